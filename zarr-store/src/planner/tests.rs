#![expect(
    clippy::single_range_in_vec_init,
    reason = "one wanted range is a case like others"
)]

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

pub(super) fn every(count: u64, size: u64, gap: u64) -> Vec<Range<u64>> {
    (0..count)
        .map(|index| index * (size + gap)..index * (size + gap) + size)
        .collect()
}

/// Requests, bytes fetched and the largest request.
fn figures(wanted: &[Range<u64>], cost: &CostModel) -> (usize, u64, u64) {
    let plan = plan_ranges(wanted, cost);
    let largest = plan.requests.iter().map(size).max().unwrap_or(0);
    (plan.requests.len(), plan.fetched(), largest)
}

fn max_in_flight(max_in_flight: usize) -> CostModel {
    CostModel {
        max_in_flight,
        ..CostModel::object()
    }
}

#[test]
fn nothing_wanted_is_nothing_requested() {
    assert_eq!(plan_ranges(&[], &max_in_flight(4)), RangePlan::default());
    #[expect(clippy::reversed_empty_ranges, reason = "the case under test")]
    let plan = plan_ranges(&[3..3, 9..2], &max_in_flight(4));
    assert_eq!(plan.requests, []);
    assert_eq!(plan.served_by, [0..0, 0..0]);
}

#[test]
fn overlapping_repeated_and_unsorted_ranges_share_requests() {
    let far = 100 * MIB;
    let plan = plan_ranges(
        &[far..far + 9, 5..20, 0..10, 5..20, 7..7],
        &max_in_flight(4),
    );
    assert_eq!(plan.requests, [0..20, far..far + 9]);
    assert_eq!(plan.served_by, [1..2, 0..1, 0..1, 0..1, 0..0]);
}

#[test]
fn the_measured_patterns() {
    for (wanted, lane_count, expected) in [
        (every(64, 64 * KIB, 64 * KIB), 64, (64, 4 * MIB, 64 * KIB)),
        (
            every(64, 64 * KIB, 512 * KIB),
            32,
            (32, 20 * MIB, 640 * KIB),
        ),
        (every(64, 64 * KIB, 2 * MIB), 32, (64, 4 * MIB, 64 * KIB)),
        (every(16, 4 * MIB, 0), 64, (64, 64 * MIB, MIB)),
        (every(16, 4 * MIB, 0), 32, (32, 64 * MIB, 2 * MIB)),
        (
            every(256, 16 * KIB, 16 * KIB),
            32,
            (8, 8 * MIB - 128 * KIB, 1008 * KIB),
        ),
    ] {
        assert_eq!(
            figures(&wanted, &max_in_flight(lane_count)),
            expected,
            "{} ranges",
            wanted.len()
        );
    }
}

#[test]
fn amplification_bounds_what_saving_requests_may_cost() {
    let wanted = every(1024, 16 * KIB, 200 * KIB);
    let (requests, fetched, largest) = figures(&wanted, &max_in_flight(32));
    assert!(
        fetched <= 8 * 16 * MIB && fetched > 7 * 16 * MIB,
        "{fetched}"
    );
    assert!(requests < 500 && largest <= MIB, "{requests} {largest}");
    let frugal = CostModel {
        amplification: 1.0,
        ..max_in_flight(32)
    };
    assert_eq!(figures(&wanted, &frugal), (1024, 16 * MIB, 16 * KIB));
}

#[test]
fn local_ranges_are_merged_over_small_gaps_and_never_split() {
    let cost = CostModel::local();
    assert_eq!(figures(&[0..100 * MIB], &cost), (1, 100 * MIB, 100 * MIB));
    assert!(figures(&every(16, 4 * MIB, 0), &cost).2 <= 8 * MIB);
    assert_eq!(
        figures(&every(4, 100, 4 * KIB), &cost),
        (1, 4 * 100 + 3 * 4 * KIB, 4 * 100 + 3 * 4 * KIB)
    );
    assert_eq!(figures(&every(4, 100, 5 * KIB), &cost), (4, 400, 100));
}

#[test]
fn extreme_ranges_do_not_overflow_or_explode() {
    let plan = plan_ranges(
        &[0..u64::MAX, 5..6, u64::MAX - 1..u64::MAX],
        &max_in_flight(64),
    );
    assert_eq!(plan.requests.len(), 1 << 16);
    assert_eq!(plan.fetched(), u64::MAX);
    assert_eq!(plan.served_by[0], 0..1 << 16);
}

#[test]
fn little_waste_saves_requests_and_much_does_not() {
    let cost = CostModel::object();
    // Inner chunks of one column: two runs, 80 KB apart.
    let column = [0..42_483, 123_594..166_063];
    assert_eq!(plan_ranges(&column, &cost).requests, [0..166_063]);
    let far = [0..42_483, 423_594..466_063];
    assert_eq!(plan_ranges(&far, &cost).requests.len(), 2);
    assert_eq!(plan_ranges(&column, &CostModel::local()).requests.len(), 2);
}

prop_compose! {
    fn costs()(
        max_in_flight in 0usize..9,
        free_gap in 0u64..40,
        free_waste in 0u64..200,
        part_min in 0u64..60,
        above in 0u64..100,
        amplification in 0.0f64..10.0,
        latency in 0u64..50,
        split: bool,
    ) -> CostModel {
        CostModel {
            latency: Duration::from_millis(latency),
            bandwidth: 1000.0,
            max_in_flight,
            free_gap,
            free_waste,
            part_min,
            part_max: part_min + above,
            amplification,
            split,
            ..CostModel::object()
        }
    }
}

proptest! {
    #[test]
    fn every_wanted_byte_is_served_and_the_bounds_hold(
        wanted in prop::collection::vec((0u64..3000, 0u64..120), 0..60),
        cost in costs(),
    ) {
        let wanted: Vec<Range<u64>> = wanted.into_iter().map(|(start, size)| start..start + size).collect();
        let plan = plan_ranges(&wanted, &cost);

        for pair in plan.requests.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
        for (range, run) in wanted.iter().zip(&plan.served_by) {
            let requests = &plan.requests[run.clone()];
            if range.is_empty() {
                prop_assert!(requests.is_empty());
                continue;
            }
            prop_assert!(requests[0].start <= range.start && range.end <= requests[requests.len() - 1].end);
            prop_assert!(requests.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(requests.iter().all(|request| request.start < range.end && range.start < request.end));
        }

        let filled: Vec<_> = wanted.iter().filter(|range| !range.is_empty()).cloned().collect();
        let byte_wanted = |byte: u64| filled.iter().any(|range| range.contains(&byte));
        let useful = (0..3200).filter(|byte| byte_wanted(*byte)).count() as u64;
        for request in &plan.requests {
            prop_assert!(request.start < request.end);
            // Requests end on wanted bytes unless they were split inside a gap.
            let touches = filled.iter().any(|range| range.start < request.end && request.start < range.end);
            prop_assert!(touches || cost.split);
        }
        let span = filled.iter().map(|range| range.start).min()..filled.iter().map(|range| range.end).max();
        prop_assert_eq!(plan.requests.first().map(|request| request.start), span.start);
        prop_assert_eq!(plan.requests.last().map(|request| request.end), span.end);

        let part = cost.part_size(useful);
        if cost.split {
            prop_assert!(plan.requests.iter().all(|request| size(request) <= part));
        } else {
            // Only overlaps may exceed a part, and overlaps contain no gap.
            for request in plan.requests.iter().filter(|request| size(request) > part) {
                prop_assert!(request.clone().all(byte_wanted));
            }
        }
        let mut sorted = filled.clone();
        sorted.sort_by_key(|range| (range.start, range.end));
        let pieces = merge_overlaps(sorted);
        let gap = free_gap(&pieces, useful, &cost);
        let near: u64 = merge_near(pieces, gap, part).iter().map(size).sum();
        prop_assert!(plan.fetched() <= near.max(cost.fetch_limit(useful)));
    }
}
