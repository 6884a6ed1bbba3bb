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

/// The number of requests of the plan with the largest requests.
fn fewest(wanted: &[Range<u64>], cost: &CostModel) -> usize {
    let largest = CostModel {
        part_min: cost.request_max(),
        part_max: cost.request_max(),
        ..cost.clone()
    };
    plan_ranges(wanted, &largest).requests.len()
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
fn the_measured_patterns_for_time() {
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
            figures(&wanted, &max_in_flight(lane_count).for_time()),
            expected,
            "{} ranges",
            wanted.len()
        );
    }
}

#[test]
fn amplification_bounds_what_saving_requests_may_cost() {
    let wanted = every(1024, 16 * KIB, 200 * KIB);
    let (requests, fetched, largest) = figures(&wanted, &max_in_flight(32).for_time());
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
        &max_in_flight(64).for_time(),
    );
    assert_eq!(plan.requests.len(), 1 << 16);
    assert_eq!(plan.fetched(), u64::MAX);
    assert_eq!(plan.served_by[0], 0..1 << 16);
    let plan = plan_ranges(&[0..u64::MAX], &CostModel::object());
    assert_eq!(plan.requests.len(), 1 << 16);
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

#[test]
fn default_plans_have_at_most_1_3_times_the_fewest_requests() {
    let cost = CostModel::object();
    for (wanted, expected) in [
        (vec![0..64 * MIB], (1, 64 * MIB, 64 * MIB)),
        (every(16, 4 * MIB, 0), (1, 64 * MIB, 64 * MIB)),
        // A slab of 4.8 MB: the inner chunks of four runs.
        (every(4, 1_200_000, 400_000), (4, 4_800_000, 1_200_000)),
        (every(64, 4 * MIB, 8 * MIB), (64, 256 * MIB, 4 * MIB)),
        (every(64, 64 * KIB, 512 * KIB), (64, 4 * MIB, 64 * KIB)),
        (
            every(256, 16 * KIB, 16 * KIB),
            (1, 8 * MIB - 16 * KIB, 8 * MIB - 16 * KIB),
        ),
    ] {
        assert_eq!(figures(&wanted, &cost), expected);
        assert_eq!(fewest(&wanted, &cost), expected.0);
    }
    // Ten large ranges: up to 13 requests, so three of the ranges may be cut.
    let mut uneven = every(7, MIB, 2 * MIB);
    uneven.extend((0..3).map(|index| (100 + 20 * index) * MIB..(102 + 20 * index) * MIB));
    assert_eq!(figures(&uneven, &cost), (13, 13 * MIB, MIB));
    uneven[0] = 0..2 * MIB;
    assert_eq!(figures(&uneven, &cost), (10, 14 * MIB, 2 * MIB));
}

#[test]
fn limits_below_one_and_nan_permit_the_fewest_requests() {
    for max_requests in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 1.0] {
        let cost = CostModel {
            max_requests,
            ..CostModel::object()
        };
        assert_eq!(figures(&every(16, 4 * MIB, 0), &cost).0, 1);
        assert_eq!(figures(&every(9, 4 * MIB, 9 * MIB), &cost).0, 9);
    }
}

#[test]
fn a_million_ranges_are_planned_in_a_few_passes() {
    let touching = every(1 << 20, MIB, 0);
    let (requests, _, largest) = figures(&touching, &CostModel::object());
    assert_eq!((requests, largest), (1 << 14, 64 * MIB));
    let apart = every(1 << 20, 100, 200 * KIB);
    let cost = CostModel::object();
    assert!(figures(&apart, &cost).0 <= cost.request_limit(fewest(&apart, &cost)));
}

#[test]
fn plans_for_requests_read_gaps_and_plans_for_bytes_do_not() {
    let few = every(8, 64 * KIB, 128 * KIB);
    let cost = CostModel::object();
    assert_eq!(figures(&few, &cost).0, 8);
    let span = 8 * 64 * KIB + 7 * 128 * KIB;
    assert_eq!(figures(&few, &cost.clone().for_requests()), (1, span, span));
    let far = every(8, 64 * KIB, 2 * MIB);
    assert_eq!(figures(&far, &cost.clone().for_requests()).0, 8);

    let near = every(8, KIB, KIB);
    assert_eq!(figures(&near, &cost).0, 1);
    assert_eq!(figures(&near, &cost.clone().for_bytes()), (8, 8 * KIB, KIB));
    let many = every(1000, KIB, 1);
    assert_eq!(figures(&many, &cost.for_bytes()), (1000, 1000 * KIB, KIB));
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
        max_requests in prop_oneof![Just(f64::INFINITY), Just(f64::NAN), 0.0f64..4.0],
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
            max_requests,
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

        let fewest = fewest(&wanted, &cost);
        prop_assert!(plan.requests.len() >= fewest);
        prop_assert!(plan.requests.len() <= cost.request_limit(fewest));
        let part = cost.part_size(useful);
        if cost.max_requests < f64::INFINITY || cost.max_requests.is_nan() {
            // Parts grow until the number of requests is within the limit.
        } else if cost.split {
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
        let near: u64 = merge_near(&pieces, gap, u64::MAX).iter().map(size).sum();
        prop_assert!(plan.fetched() <= near.max(cost.fetch_limit(useful)));

        let requests = |cost: CostModel| plan_ranges(&wanted, &cost).requests.len();
        prop_assert_eq!(figures(&wanted, &cost.clone().for_bytes()).1, useful);
        prop_assert!(requests(cost.clone().for_requests()) <= plan.requests.len());
        prop_assert!(plan.requests.len() <= requests(cost.for_time()).max(fewest));
    }
}
