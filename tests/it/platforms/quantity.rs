//! Kubernetes quantities.

use serde_json::Value;

/// Thousandths of what `quantity` is in its base unit; `None` where it is none.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
pub(crate) fn thousandths(quantity: &Value) -> Option<u128> {
    let text = match quantity {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text
        .find(|character: char| character.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let factor = factor(suffix)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let amount: u128 = format!("{whole}{fraction}").parse().ok()?;
    // What is a part of a thousandth counts as a whole one.
    Some((amount * factor).div_ceil(scale))
}

/// Thousandths of the base unit that a suffix stands for.
fn factor(suffix: &str) -> Option<u128> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi"].iter();
    if let Some(power) = binary.clone().position(|name| *name == suffix) {
        return Some(1000 * 1024_u128.pow(u32::try_from(power).ok()? + 1));
    }
    let decimal = ["m", "", "k", "M", "G", "T", "P"].iter();
    let power = decimal.clone().position(|name| *name == suffix)?;
    Some(1000_u128.pow(u32::try_from(power).ok()?))
}

/// `thousandths` as a person writes them: whole units of memory or storage, or of CPU.
pub(super) fn shown(resource: &str, thousandths: u128) -> String {
    let is_cpu = resource.ends_with("cpu");
    if is_cpu && !thousandths.is_multiple_of(1000) {
        return format!("{thousandths}m");
    }
    let whole = thousandths.div_ceil(1000);
    let unit = ["Gi", "Mi", "Ki"]
        .into_iter()
        .zip([1_u128 << 30, 1 << 20, 1 << 10])
        .find(|(_, size)| !is_cpu && whole >= *size && whole.is_multiple_of(*size));
    match unit {
        Some((name, size)) => format!("{}{name}", whole / size),
        None => whole.to_string(),
    }
}

#[test]
fn quantities_are_read_and_shown() {
    for (quantity, wanted, written) in [
        ("500m", 500, "500m"),
        ("2", 2000, "2"),
        ("1.5", 1500, "1500m"),
    ] {
        let read = thousandths(&quantity.into()).unwrap();
        assert_eq!(read, wanted);
        assert_eq!(shown("requests.cpu", read), written);
    }
    for quantity in ["512Mi", "3Gi", "1536Mi"] {
        let read = thousandths(&quantity.into()).unwrap();
        assert_eq!(shown("limits.memory", read), quantity);
    }
    assert_eq!(thousandths(&"1.5Ki".into()), Some(1_536_000));
    assert_eq!(thousandths(&"1G".into()), Some(1_000_000_000_000));
    assert_eq!(thousandths(&"many".into()), None);
}
