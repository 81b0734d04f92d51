use std::collections::HashMap;

/// Phases that cannot be put in order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PhaseGraphError {
    /// A phase comes after one that does not exist.
    #[error("phase `{phase}` comes after `{unknown}`, which is no phase")]
    Unknown {
        /// The phase that names it.
        phase: String,
        /// The name that is not known.
        unknown: String,
    },
    /// Phases wait for each other.
    #[error("phases wait for each other: {}", phases.iter().map(|phase| format!("`{phase}`")).collect::<Vec<_>>().join(" after "))]
    Cycle {
        /// The phases on the cycle; the first is named again at the end.
        phases: Vec<String>,
    },
    /// Two phases have one name.
    #[error("there are two phases called `{phase}`")]
    Twice {
        /// The name.
        phase: String,
    },
}

/// The numbers of `phases`, each a name and the names it comes after, in an order in which every phase comes after those it names.
///
/// Phases that do not depend on each other keep the order in which they are given.
pub(crate) fn phase_order(phases: &[(String, Vec<String>)]) -> Result<Vec<usize>, PhaseGraphError> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for (number, (name, _)) in phases.iter().enumerate() {
        if numbers.insert(name, number).is_some() {
            return Err(PhaseGraphError::Twice { phase: name.clone() });
        }
    }
    let mut after = Vec::with_capacity(phases.len());
    for (name, others) in phases {
        let known = others.iter().map(|other| numbers.get(other.as_str()).copied().ok_or(other)).collect::<Result<Vec<usize>, _>>();
        after.push(known.map_err(|unknown| PhaseGraphError::Unknown { phase: name.clone(), unknown: unknown.clone() })?);
    }
    let mut order: Vec<usize> = Vec::with_capacity(phases.len());
    while order.len() < phases.len() {
        let is_free = |number: &usize| !order.contains(number) && after[*number].iter().all(|other| order.contains(other));
        match (0..phases.len()).find(is_free) {
            Some(number) => order.push(number),
            None => return Err(cycle(phases, &after, &order)),
        }
    }
    Ok(order)
}

fn cycle(phases: &[(String, Vec<String>)], after: &[Vec<usize>], done: &[usize]) -> PhaseGraphError {
    let mut path: Vec<usize> = Vec::new();
    let mut current = (0..phases.len()).find(|number| !done.contains(number)).unwrap_or(0);
    while !path.contains(&current) {
        path.push(current);
        current = after[current].iter().copied().find(|other| !done.contains(other)).unwrap_or(current);
    }
    let start = path.iter().position(|number| *number == current).unwrap_or(0);
    let names = path[start..].iter().chain([&current]).map(|number| phases[*number].0.clone());
    PhaseGraphError::Cycle { phases: names.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(phases: &[(&str, &[&str])]) -> Result<Vec<usize>, String> {
        let phases: Vec<_> =
            phases.iter().map(|(name, after)| ((*name).to_owned(), after.iter().map(|name| (*name).to_owned()).collect())).collect();
        phase_order(&phases).map_err(|error| error.to_string())
    }

    #[test]
    fn phases_come_after_those_they_name() {
        assert_eq!(order(&[("c", &["b"]), ("a", &[]), ("b", &["a"]), ("d", &["a"])]), Ok(vec![1, 2, 0, 3]));
        assert_eq!(order(&[]), Ok(vec![]));
    }

    #[test]
    fn what_cannot_be_ordered_is_named() {
        assert_eq!(order(&[("a", &["x"])]), Err("phase `a` comes after `x`, which is no phase".to_owned()));
        assert_eq!(
            order(&[("z", &[]), ("a", &["b", "z"]), ("b", &["c"]), ("c", &["b"])]),
            Err("phases wait for each other: `b` after `c` after `b`".to_owned())
        );
        assert_eq!(order(&[("a", &["a"])]), Err("phases wait for each other: `a` after `a`".to_owned()));
        assert_eq!(order(&[("a", &[]), ("a", &[])]), Err("there are two phases called `a`".to_owned()));
    }
}
