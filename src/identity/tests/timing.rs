//! How long a refusal takes, of whom there is and of whom there is not. That both do the same work is counted where the
//! interface is tested; here the clock is asked.

use std::time::Instant;

use super::*;

/// Seconds of each refusal, of a known address and of one that nobody has, in turns.
async fn refusals(world: &World, rounds: usize) -> [Vec<f64>; 2] {
    let mut times: [Vec<f64>; 2] = Default::default();
    for round in 0..rounds {
        // So far apart that no attempt has to wait for the one before it.
        let now = after(i64::try_from(round).unwrap() * 1_000);
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for who in order {
            let email = ["ada@example.org", "nobody@example.org"][who];
            let begun = Instant::now();
            assert!(world.try_sign_in(email, "not the right password", now).await.is_err());
            times[who].push(begun.elapsed().as_secs_f64());
        }
    }
    times
}

#[tokio::test]
async fn half_of_all_refusals_take_as_long_for_nobody_as_for_somebody() {
    let world = World::at_cost(8_192, 1).await;
    world.user("ada@example.org", Role::Staff).await;
    // Again where the machine had something else to do for one of them.
    let mut measured = Vec::new();
    for _ in 0..3 {
        let [known, unknown] = refusals(&world, 60).await.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        println!("median of 60: known {known:.6} s, unknown {unknown:.6} s");
        measured.push((known, unknown));
        if (unknown / known - 1.0).abs() < 0.1 {
            return;
        }
    }
    panic!("known and unknown take different times: {measured:?}");
}

#[tokio::test]
#[ignore = "some minutes of hashing; part of the full run"]
async fn of_two_thousand_refusals_each_the_means_are_within_two_percent() {
    let world = World::at_cost(19_456, 2).await;
    world.user("ada@example.org", Role::Staff).await;
    let [known, unknown] = refusals(&world, 2_000).await.map(|times| times.iter().sum::<f64>() / times.len() as f64);
    println!("means of 2000: known {known:.6} s, unknown {unknown:.6} s, {:+.2} %", (unknown / known - 1.0) * 100.0);
    assert!((unknown / known - 1.0).abs() < 0.02, "{unknown} s against {known} s");
}
