//! What is stored of why a run failed: pods and their logs go with the rollback, and whoever looks
//! later has only this.

use crate::event::{Diagnosis, ObjectDiagnosis};

/// Lines of one log that are stored.
const LOG: usize = 20;
/// Lines of all logs that are stored: a head has to stay small, since every command reads it.
const LINES: usize = 100;
/// Longest line of a log that is stored, in characters.
const LINE: usize = 300;
/// Longest other text that is stored, in characters.
const TEXT: usize = 1000;

/// What is stored of `diagnosis`; `None` where it says no more than its summary, which is stored as
/// the cause. Its texts are harmless already, and are cut here; the first logs come before others.
pub(crate) fn stored(diagnosis: &Diagnosis) -> Option<Diagnosis> {
    if diagnosis.objects.is_empty() {
        return None;
    }
    let mut stored = diagnosis.clone();
    stored.objects.iter_mut().for_each(cut_texts);
    let mut left = LINES;
    for log in stored.objects.iter_mut().flat_map(logs) {
        let kept = log.len().min(LOG).min(left);
        left -= kept;
        log.drain(..log.len() - kept);
        for line in log {
            cut(line, LINE);
        }
    }
    Some(stored)
}

/// The logs that are shown of an object.
fn logs(object: &mut ObjectDiagnosis) -> impl Iterator<Item = &mut Vec<String>> {
    let further = object.further.iter_mut().map(|further| &mut further.log);
    std::iter::once(&mut object.log).chain(further)
}

fn cut_texts(object: &mut ObjectDiagnosis) {
    cut(&mut object.verdict.message, TEXT);
    object.cause.iter_mut().for_each(|cause| cut(cause, TEXT));
    for further in &mut object.further {
        cut(&mut further.cause, TEXT);
    }
}

/// Cuts `text` at its end to at most `limit` characters, marked by `…`.
fn cut(text: &mut String, limit: usize) {
    if text.chars().count() > limit {
        *text = text.chars().take(limit - 1).chain(['…']).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::FurtherCause,
        object::ObjectId,
        readiness::{State, Verdict},
    };

    fn object(log: &[String], further: &[&[String]]) -> ObjectDiagnosis {
        let further = further.iter().map(|log| FurtherCause {
            pod: None,
            container: None,
            cause: "crashed".to_owned(),
            log: log.to_vec(),
        });
        ObjectDiagnosis {
            object: ObjectId::core("Pod", Some("shop"), "api"),
            verdict: Verdict::new(State::Failed, "CrashLoopBackOff", "x".repeat(5000)),
            pod: Some("api".to_owned()),
            container: Some("main".to_owned()),
            cause: Some("ü".repeat(5000)),
            log: log.to_vec(),
            further: further.collect(),
        }
    }

    fn lines(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn the_last_lines_of_the_first_logs_are_stored() {
        let diagnosis = Diagnosis {
            objects: vec![
                object(&lines(30), &[&lines(5), &lines(40)]),
                object(&lines(20), &[&lines(20), &lines(20), &lines(20)]),
            ],
            ..Diagnosis::default()
        };
        let mut stored = stored(&diagnosis).unwrap();
        let kept: Vec<(usize, Option<String>)> = stored
            .objects
            .iter_mut()
            .flat_map(logs)
            .map(|log| (log.len(), log.last().cloned()))
            .collect();
        let expected = [
            (20, 30),
            (5, 5),
            (20, 40),
            (20, 20),
            (20, 20),
            (15, 20),
            (0, 0),
        ];
        let last = |number| (number > 0).then(|| format!("line {number}"));
        assert_eq!(kept, expected.map(|(count, number)| (count, last(number))));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let diagnosis = Diagnosis {
            objects: vec![object(&["ä".repeat(400), "ä".repeat(LINE)], &[])],
            ..Diagnosis::default()
        };
        let stored = stored(&diagnosis).unwrap().objects.remove(0);
        let lengths: Vec<usize> = stored.log.iter().map(|line| line.chars().count()).collect();
        assert_eq!(lengths, [LINE, LINE]);
        assert!(stored.log[0].ends_with("ä…") && stored.log[1].ends_with('ä'));
        let texts = [stored.verdict.message, stored.cause.unwrap()];
        assert_eq!(texts.map(|text| text.chars().count()), [TEXT, TEXT]);
    }

    #[test]
    fn what_is_only_a_sentence_is_the_cause_alone() {
        let diagnosis = Diagnosis {
            summary: "the run was interrupted".to_owned(),
            ..Diagnosis::default()
        };
        assert_eq!(stored(&diagnosis), None);
    }
}
