//! Kubernetes quantities as numbers: `1Ki`, `500m`. All that compares sizes reads them here.
//!
//! On purpose no library: to `k8s-openapi`, and with it `kube`, a quantity is the text that it is,
//! and `kube_quantity`, which reads it, is one person's, has rested since March 2025, and brings a
//! parser and a type of decimals for what is thirty lines here.

/// The amount that a Kubernetes quantity stands for, in its base unit: `1Ki` is 1024, `500m` is
/// 0.5.
///
/// See <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.
pub(crate) fn amount(quantity: &str) -> Option<f64> {
    if let Ok(plain) = quantity.parse() {
        return Some(plain);
    }
    let end = quantity.find(|character: char| character.is_ascii_alphabetic())?;
    let (digits, suffix) = quantity.split_at(end);
    Some(digits.parse::<f64>().ok()? * factor(suffix)?)
}

fn factor(suffix: &str) -> Option<f64> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
        .iter()
        .position(|name| *name == suffix);
    let decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
        .iter()
        .position(|name| *name == suffix);
    let power = |base: f64, steps: usize| (0..steps).fold(1.0, |product, _| product * base);
    binary
        .map(|steps| power(1024.0, steps + 1))
        .or_else(|| decimal.map(|steps| power(1000.0, steps) / 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_read() {
        let cases = [
            ("1", 1.0),
            ("10Gi", 10_737_418_240.0),
            ("1G", 1e9),
            ("500m", 0.5),
            ("1e3", 1000.0),
            ("1.5Ki", 1536.0),
            ("2k", 2000.0),
        ];
        for (quantity, expected) in cases {
            let amount = amount(quantity).unwrap();
            assert!(
                (amount - expected).abs() < 1e-6,
                "{quantity} is {amount}, not {expected}"
            );
        }
    }

    #[test]
    fn nonsense_is_no_amount() {
        assert_eq!(amount("many"), None);
        assert_eq!(amount("1Xi"), None);
        assert_eq!(amount(""), None);
    }
}
