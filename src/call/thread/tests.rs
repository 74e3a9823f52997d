//! Calls on real threads; each test ends by facts and not by waiting.

use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use super::*;

fn threads(count: usize) -> MediaThreads {
    MediaThreads::start(&MediaThreadsConfig { threads: count, realtime: false }).unwrap()
}

fn call<F: Future<Output = ()> + 'static>(body: impl FnOnce(ThreadContext) -> F + Send + 'static) -> CallTask {
    Box::new(move |context| Box::pin(body(context)))
}

/// A call that says where it runs and then stays.
fn lasting(told: &SyncSender<usize>) -> CallTask {
    let told = told.clone();
    call(async move |context| {
        told.send(context.thread).unwrap();
        std::future::pending::<()>().await;
    })
}

fn next<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(Duration::from_secs(10)).unwrap()
}

#[test]
fn calls_stay_together_until_they_make_their_thread_busy() {
    let (tell, told) = sync_channel(8);
    let threads = threads(2);
    for _ in 0..4 {
        threads.spawn(lasting(&tell)).unwrap();
        assert_eq!(next(&told), 0);
    }
    // One that takes almost all of a core.
    let greedy = call(async |context| {
        loop {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(20) {}
            context.wheel.sleep_until(Instant::now() + Duration::from_millis(1)).await;
        }
    });
    threads.spawn(greedy).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let elsewhere = (0..).map_while(|_| {
        (Instant::now() < deadline).then(|| {
            thread::sleep(Duration::from_millis(200));
            threads.spawn(lasting(&tell)).unwrap();
            next(&told)
        })
    });
    assert_eq!(elsewhere.filter(|thread| *thread == 1).take(3).count(), 3);
    assert!(threads.status()[0].busy > threads.status()[1].busy);
}

#[test]
fn a_call_may_keep_what_cannot_leave_its_thread() {
    let (tell, told) = sync_channel(1);
    let threads = threads(1);
    let task = call(async move |context| {
        let local = Rc::new(41);
        context.wheel.sleep_until(Instant::now() + Duration::from_millis(2)).await;
        tell.send((*local + 1, thread::current().name().map(str::to_owned))).unwrap();
    });
    threads.spawn(task).unwrap();
    assert_eq!(next(&told), (42, Some("media-0".to_owned())));
}

#[tokio::test]
async fn a_panic_ends_one_call_and_no_other() {
    let (tell, told) = sync_channel(4);
    let threads = threads(1);
    threads.spawn(lasting(&tell)).unwrap();
    threads.spawn(call(async |_| panic!("planned: while it runs"))).unwrap();
    threads.spawn(Box::new(|_| panic!("planned: while it is made"))).unwrap();
    threads.spawn(lasting(&tell)).unwrap();
    assert_eq!((next(&told), next(&told)), (0, 0));
    assert_eq!(threads.stop(Instant::now()).await, Stopped { aborted: 2 });
    let status = &threads.status()[0];
    assert_eq!((status.panicked, status.running), (2, 0));
}

#[tokio::test]
async fn a_stop_waits_for_calls_that_end_in_time() {
    let (tell, told) = sync_channel(1);
    let threads = threads(1);
    let task = call(async move |context| {
        context.wheel.sleep_until(Instant::now() + Duration::from_millis(30)).await;
        tell.send("finished").unwrap();
    });
    threads.spawn(task).unwrap();
    // The thread has taken the call when it has taken a later one.
    let (taken, took) = sync_channel(1);
    threads.spawn(call(async move |_| taken.send(()).unwrap())).unwrap();
    next(&took);
    assert_eq!(threads.stop(Instant::now() + Duration::from_secs(10)).await, Stopped { aborted: 0 });
    assert_eq!(told.try_recv(), Ok("finished"));
}

#[tokio::test]
async fn a_stopped_thread_takes_no_call_and_leaves_none_behind() {
    let (tell, told) = sync_channel(1);
    let threads = threads(2);
    threads.spawn(lasting(&tell)).unwrap();
    next(&told);
    assert_eq!(threads.stop(Instant::now()).await, Stopped { aborted: 1 });
    assert_eq!(threads.spawn(lasting(&tell)), Err(Saturated));
    assert_eq!(threads.running(), 0);
    assert_eq!(threads.stop(Instant::now()).await, Stopped { aborted: 0 });
}

#[test]
fn a_thread_that_hangs_saturates_and_says_so() {
    let (tell, told) = sync_channel(1);
    let (release, released) = sync_channel::<()>(1);
    let threads = threads(1);
    let hang = call(async move |_| {
        tell.send(()).unwrap();
        released.recv().unwrap();
    });
    threads.spawn(hang).unwrap();
    next(&told);
    let accepted = (0..=STARTS).take_while(|_| threads.spawn(call(async |_| ())).is_ok()).count();
    assert_eq!(accepted, STARTS);
    release.send(()).unwrap();
}

#[test]
fn real_time_priority_is_had_or_its_refusal_reported() {
    let threads = MediaThreads::start(&MediaThreadsConfig { threads: 1, realtime: true }).unwrap();
    let status = &threads.status()[0];
    assert_ne!(status.scheduling, Scheduling::Normal);
    println!("{}: {:?}", status.name, status.scheduling);
}

#[test]
fn work_that_blocks_is_never_real_time() {
    let (tell, told) = sync_channel(1);
    let threads = MediaThreads::start(&MediaThreadsConfig { threads: 1, realtime: true }).unwrap();
    let task = call(async move |_| {
        let policy = tokio::task::spawn_blocking(|| thread_priority::thread_schedule_policy().unwrap()).await.unwrap();
        tell.send(policy).unwrap();
    });
    threads.spawn(task).unwrap();
    let other = thread_priority::ThreadSchedulePolicy::Normal(thread_priority::NormalThreadSchedulePolicy::Other);
    assert_eq!(next(&told), other);
}

#[test]
fn the_status_says_how_well_a_thread_keeps_time() {
    let (tell, told) = sync_channel(1);
    let threads = threads(1);
    let task = call(async move |context| {
        context.wheel.sleep_until(Instant::now() + Duration::from_millis(2)).await;
        tell.send(()).unwrap();
    });
    threads.spawn(task).unwrap();
    next(&told);
    assert_eq!(threads.status()[0].wheel.ticks, 1);
}

#[test]
#[ignore = "a figure of a release build on an idle machine; `make bench-pacer` prints it"]
fn ninety_nine_of_a_hundred_slots_of_a_thousand_streams_come_within_a_quarter_of_a_millisecond() {
    let (tell, told) = sync_channel(1_000);
    let threads = MediaThreads::start(&MediaThreadsConfig { threads: 1, realtime: true }).unwrap();
    let begin = Instant::now() + Duration::from_secs(1);
    for _ in 0..1_000 {
        let paced = |tell: SyncSender<Vec<Duration>>| {
            call(async move |context| {
                let phase = context.wheel.phase(begin);
                let mut late = Vec::with_capacity(100);
                for slot in 0..100 {
                    let slot = phase.first_slot() + Duration::from_millis(20) * slot;
                    context.wheel.sleep_until(slot).await;
                    late.push(slot.elapsed());
                }
                tell.send(late).unwrap();
            })
        };
        while threads.spawn(paced(tell.clone())).is_err() {
            thread::sleep(Duration::from_millis(1));
        }
    }
    let mut late: Vec<Duration> = (0..1_000).flat_map(|_| next(&told)).collect();
    late.sort_unstable();
    assert!(late[99_000] <= Duration::from_micros(250), "p99 {:?}", late[99_000]);
}
