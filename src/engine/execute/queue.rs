//! The order of the steps of a program: which of them may start, the most urgent one first.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::release::{Program, StepId};

/// Which steps of a program may start, and how many are done.
pub(crate) struct StepQueue<'a> {
    program: &'a Program,
    /// For each step: how many steps it still waits for.
    waiting_for: Vec<usize>,
    /// For each step: the steps that come after it.
    followers: Vec<Vec<StepId>>,
    ready: BinaryHeap<(u32, Reverse<StepId>)>,
    done: usize,
}

impl<'a> StepQueue<'a> {
    /// All steps of `program`; none of them is done.
    pub(crate) fn new(program: &'a Program) -> Self {
        let mut followers = vec![Vec::new(); program.steps.len()];
        for (id, step) in program.steps.iter().enumerate() {
            for before in &step.after {
                followers[*before].push(id);
            }
        }
        let mut queue = Self {
            program,
            waiting_for: program.steps.iter().map(|step| step.after.len()).collect(),
            followers,
            ready: BinaryHeap::new(),
            done: 0,
        };
        (0..program.steps.len())
            .filter(|step| program.steps[*step].after.is_empty())
            .for_each(|step| queue.push(step));
        queue
    }

    /// The step that is to start next, where one may.
    pub(crate) fn next(&self) -> Option<StepId> {
        self.ready.peek().map(|(_, Reverse(step))| *step)
    }

    /// Takes out the step that is to start next.
    pub(crate) fn start_next(&mut self) {
        self.ready.pop();
    }

    /// Says that `step` is done: what comes after it may start, where it waits for nothing else.
    pub(crate) fn finish(&mut self, step: StepId) {
        self.done += 1;
        for follower in std::mem::take(&mut self.followers[step]) {
            self.waiting_for[follower] -= 1;
            if self.waiting_for[follower] == 0 {
                self.push(follower);
            }
        }
    }

    /// Whether every step is done.
    pub(crate) fn is_done(&self) -> bool {
        self.done == self.program.steps.len()
    }

    fn push(&mut self, step: StepId) {
        let priority = self.program.steps[step].priority;
        self.ready.push((priority, Reverse(step)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::PhaseId, release::Work};

    #[test]
    fn the_most_urgent_step_starts_once_all_before_it_are_done() {
        let mut program = Program::default();
        let mut push = |after: &[StepId], priority| {
            let work = Work::AwaitReady {
                objects: Vec::new(),
                ends_phase: false,
            };
            program.push(&PhaseId::declared("apps"), after.to_vec(), priority, work)
        };
        let (slow, quick) = (push(&[], 5), push(&[], 1));
        let last = push(&[slow, quick], 9);
        let mut queue = StepQueue::new(&program);
        let mut order = Vec::new();
        while let Some(step) = queue.next() {
            queue.start_next();
            order.push(step);
            queue.finish(step);
        }
        assert_eq!(order, [slow, quick, last]);
        assert!(queue.is_done());
    }

    #[test]
    fn of_two_equal_steps_the_earlier_one_starts() {
        let mut program = Program::default();
        for _ in 0..3 {
            let work = Work::GiveUp {
                object: crate::object::ObjectId::namespace("a"),
            };
            program.push(&PhaseId::Prune, Vec::new(), 0, work);
        }
        let mut queue = StepQueue::new(&program);
        queue.start_next();
        assert_eq!(queue.next(), Some(1));
        assert!(!queue.is_done());
    }
}
