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
    scaled(digits.parse().ok()?, suffix)
}

/// `number` of the unit `suffix`. Parts are divided by how many make a whole, which unlike the part
/// is a number without a rest: `700m` is what `0.7` is.
fn scaled(number: f64, suffix: &str) -> Option<f64> {
    let steps = |names: &[&str]| names.iter().position(|name| *name == suffix);
    let power = |base: f64, steps: usize| (0..=steps).fold(1.0, |product, _| product * base);
    let binary = || steps(&["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]);
    let decimal = || steps(&["k", "M", "G", "T", "P", "E"]);
    let parts = || steps(&["m", "u", "n"]);
    let many = |steps: usize, base| number * power(base, steps);
    binary()
        .map(|steps| many(steps, 1024.0))
        .or_else(|| decimal().map(|steps| many(steps, 1000.0)))
        .or_else(|| parts().map(|steps| number / power(1000.0, steps)))
}

/// Whether `amount` is more than `bound`, beyond what is lost in calculating.
pub(crate) fn exceeds(amount: f64, bound: f64) -> bool {
    amount > bound * 1.000_001 + 1e-9
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
    fn thousandths_are_what_their_decimals_are() {
        for thousandths in 1..=4000_u32 {
            let decimal = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            let (part, decimal) = (amount(&format!("{thousandths}m")), amount(&decimal));
            let whole = format!("{}u", u64::from(thousandths) * 1000);
            assert_eq!(part, decimal, "{thousandths}m");
            assert_eq!(part, amount(&whole), "{whole}");
        }
    }

    #[test]
    fn a_sum_is_no_more_than_what_it_comes_to() {
        let part = amount("100m").unwrap();
        assert!(!exceeds(part + part + part, amount("300m").unwrap()));
        assert!(exceeds(amount("301m").unwrap(), amount("300m").unwrap()));
        assert!(exceeds(amount("1025Mi").unwrap(), amount("1Gi").unwrap()));
    }

    #[test]
    fn nonsense_is_no_amount() {
        assert_eq!(amount("many"), None);
        assert_eq!(amount("1Xi"), None);
        assert_eq!(amount(""), None);
    }
}
