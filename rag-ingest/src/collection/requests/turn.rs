//! When it is whose turn.

use crate::embed::Rate;

/// A request that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) tokens: u64,
    /// Until when it counts.
    pub(super) free_ms: i64,
}

/// When the last of those in a line has its turn, `earliest` or later: each goes when so many of those before it do not
/// count any more that it fits. One that is larger than the limit goes alone.
pub(super) fn turn(rate: &Rate, earliest: i64, mut held: Vec<Held>, line: &[u64]) -> i64 {
    let period = i64::try_from(rate.period.as_millis()).unwrap_or(i64::MAX);
    let most_requests = rate.requests.map_or(usize::MAX, |most| {
        usize::try_from(most.max(1)).unwrap_or(usize::MAX)
    });
    let most_tokens = rate.tokens.unwrap_or(u64::MAX);
    held.sort_by_key(|held| held.free_ms);
    let mut tokens = held
        .iter()
        .fold(0_u64, |sum, held| sum.saturating_add(held.tokens));
    let mut freed = 0;
    let mut time = earliest;
    for wanted in line {
        let wanted = *wanted;
        while let Some(oldest) = held.get(freed) {
            let count = held.len() - freed;
            let fits = count < most_requests && tokens.saturating_add(wanted) <= most_tokens;
            if oldest.free_ms > time {
                if fits {
                    break;
                }
                time = oldest.free_ms;
            }
            tokens = tokens.saturating_sub(oldest.tokens);
            freed += 1;
        }
        // Those in the line go one after the other, so this is the last to be free.
        let free_ms = time.saturating_add(period);
        held.push(Held {
            tokens: wanted,
            free_ms,
        });
        tokens = tokens.saturating_add(wanted);
    }
    time
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Held, turn};
    use crate::embed::Rate;

    fn rate(requests: Option<u32>, tokens: Option<u64>) -> Rate {
        Rate {
            requests,
            tokens,
            period: Duration::from_secs(1),
        }
    }

    fn held(all: &[(u64, i64)]) -> Vec<Held> {
        let held = |&(tokens, free_ms): &(u64, i64)| Held { tokens, free_ms };
        all.iter().map(held).collect()
    }

    #[test]
    fn while_the_limit_is_not_reached_it_is_everybodys_turn() {
        let one = held(&[(5, 900)]);
        assert_eq!(turn(&rate(Some(2), None), 100, one, &[5]), 100);
    }

    #[test]
    fn a_request_waits_until_enough_of_the_others_do_not_count_any_more() {
        let two = held(&[(5, 900), (5, 700)]);
        assert_eq!(turn(&rate(Some(2), None), 100, two.clone(), &[5]), 700);
        assert_eq!(turn(&rate(None, Some(12)), 100, two.clone(), &[5]), 700);
        assert_eq!(turn(&rate(None, Some(12)), 100, two, &[10]), 900);
    }

    #[test]
    fn those_before_it_in_the_line_go_first() {
        let two = held(&[(5, 900), (5, 700)]);
        assert_eq!(turn(&rate(Some(2), None), 100, two.clone(), &[1, 1]), 900);
        assert_eq!(turn(&rate(Some(2), None), 100, two, &[1, 1, 1]), 1700);
    }

    #[test]
    fn what_is_larger_than_the_limit_goes_alone() {
        let one = held(&[(5, 900)]);
        assert_eq!(turn(&rate(None, Some(10)), 100, one, &[50]), 900);
        assert_eq!(turn(&rate(None, Some(10)), 100, Vec::new(), &[50]), 100);
    }

    #[test]
    fn nobody_goes_before_the_service_may_be_asked_again() {
        let one = held(&[(5, 900)]);
        assert_eq!(turn(&rate(Some(1), None), 5000, one, &[5]), 5000);
    }
}
