//! The wheel against the real clock: short, and with room for a busy machine where lateness is concerned.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

use super::*;

fn on_a_wheel<F: Future<Output = ()>>(test: impl FnOnce(Rc<Wheel>) -> F) {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        let wheel = Wheel::new().unwrap();
        spawn_local(Rc::clone(&wheel).run());
        test(wheel).await;
    });
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn a_sleep_never_ends_early() {
    on_a_wheel(async |wheel| {
        let sleeps = (0..200u64).map(|step| {
            let wheel = Rc::clone(&wheel);
            spawn_local(async move {
                let deadline = Instant::now() + Duration::from_micros(step * 317);
                wheel.sleep_until(deadline).await;
                assert!(Instant::now() >= deadline);
            })
        });
        for sleep in sleeps.collect::<Vec<_>>() {
            sleep.await.unwrap();
        }
    });
}

#[test]
fn a_sleep_ends_soon_after_its_deadline() {
    on_a_wheel(async |wheel| {
        let mut lateness = Vec::new();
        for _ in 0..20 {
            let deadline = Instant::now() + ms(3);
            wheel.sleep_until(deadline).await;
            lateness.push(deadline.elapsed());
        }
        lateness.sort();
        assert!(lateness[10] < ms(10), "median lateness {:?}", lateness[10]);
    });
}

#[test]
fn a_sleep_set_earlier_ends_earlier() {
    on_a_wheel(async |wheel| {
        let start = Instant::now();
        let mut sleep = wheel.sleep_until(start + Duration::from_secs(3_600));
        sleep.reset(start + ms(5));
        (&mut sleep).await;
        assert!(start.elapsed() >= ms(5));
        sleep.reset(start);
        sleep.await;
    });
}

#[test]
fn a_disarmed_sleep_waits_until_it_is_set_again() {
    on_a_wheel(async |wheel| {
        let mut sleep = wheel.sleep_until(Instant::now() + ms(2));
        sleep.set(None);
        assert!(tokio::time::timeout(ms(20), &mut sleep).await.is_err());
        sleep.set(Some(Instant::now() + ms(1)));
        sleep.await;
    });
}

#[test]
fn a_dropped_sleep_wakes_nobody() {
    on_a_wheel(async |wheel| {
        drop(wheel.sleep_until(Instant::now() + ms(2)));
        wheel.sleep_until(Instant::now() + ms(6)).await;
        assert_eq!(wheel.slots.borrow().next(), None);
    });
}

#[test]
fn an_idle_wheel_does_not_turn() {
    on_a_wheel(async |wheel| {
        let _far = wheel.sleep_until(Instant::now() + Duration::from_secs(60));
        tokio::time::sleep(ms(50)).await;
        assert_eq!(wheel.stats().ticks, 0);
    });
}

#[test]
fn a_steady_stream_costs_one_tick_a_slot() {
    on_a_wheel(async |wheel| {
        let phase = wheel.phase(Instant::now());
        let mut sleep = wheel.sleep_until(phase.first_slot());
        for slot in 1..6 {
            (&mut sleep).await;
            sleep.reset(phase.first_slot() + ms(5) * slot);
        }
        assert!(wheel.stats().ticks <= 5, "{:?}", wheel.stats());
    });
}

#[test]
fn streams_spread_over_the_twenty_phases_and_leave_them_again() {
    on_a_wheel(async |wheel| {
        let now = Instant::now();
        let mut leases: Vec<PhaseLease> = (0..60).map(|_| wheel.phase(now)).collect();
        for lease in &leases {
            let ahead = lease.first_slot() - now;
            assert!(!ahead.is_zero() && ahead <= ms(20));
        }
        let slot = leases[7].first_slot();
        let mut taken: Vec<Instant> = leases.iter().map(PhaseLease::first_slot).collect();
        taken.sort();
        assert!(taken.chunks(3).all(|three| three[0] == three[2]) && taken[2] != taken[3]);
        leases.retain(|lease| lease.first_slot() != slot);
        assert_eq!(wheel.phase(now).first_slot(), slot);
    });
}
