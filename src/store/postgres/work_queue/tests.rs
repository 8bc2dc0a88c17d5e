use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use prometheus::HistogramOpts;

use super::*;

fn queue(threads: u32, limit: Duration) -> WorkQueue {
    WorkQueue::new(threads, limit, &Histogram::with_opts(HistogramOpts::new("wait", "wait")).unwrap())
}

/// Occupies a thread of the queue until the returned sender is dropped.
async fn occupy(queue: &WorkQueue) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel();
    let (begin, begun) = oneshot::channel();
    queue.push(act(move |_| {
        begin.send(()).unwrap();
        released.recv().unwrap_err();
    }));
    begun.await.unwrap();
    release
}

/// Work that receives its deadline, or the error of its refusal.
struct Act<F>(F);

impl<F: FnOnce(Result<Instant>) + Send> Job for Act<F> {
    fn is_wanted(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, deadline: Instant) {
        self.0(Ok(deadline));
    }

    fn refuse(self: Box<Self>, error: Error) {
        self.0(Err(error));
    }
}

fn act(act: impl FnOnce(Result<Instant>) + Send + 'static) -> Box<dyn Job> {
    Box::new(Act(act))
}

fn words<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    outcome.unwrap_err().to_string()
}

#[tokio::test]
async fn at_most_so_many_threads_work_at_the_same_time() {
    let queue = queue(3, READ_LIMIT);
    let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let work = |n| {
        let (queue, running, most) = (queue.clone(), Arc::clone(&running), Arc::clone(&most));
        async move {
            let work = move |_| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(5));
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(n)
            };
            queue.run(work).await.unwrap()
        }
    };
    let done = futures_util::future::join_all((0..30).map(work)).await;
    assert_eq!(done, (0..30).collect::<Vec<_>>());
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn work_begins_in_the_order_of_its_arrival() {
    let queue = queue(1, READ_LIMIT);
    let (done, order) = mpsc::channel();
    let release = occupy(&queue).await;
    for n in 0..5 {
        let done = done.clone();
        queue.push(act(move |_| done.send(n).unwrap()));
    }
    drop((release, done));
    assert_eq!(order.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_panic_ends_one_piece_of_work_only() {
    let queue = queue(1, READ_LIMIT);
    let outcome: Result<()> = queue.run(|_| panic!("on purpose")).await;
    assert_eq!(words(outcome), "a transaction panicked; the log contains the location");
    assert_eq!(queue.run(|_| Ok(1)).await.unwrap(), 1);
    assert_eq!(queue.run(|_| Ok(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn work_beyond_the_longest_queue_is_refused_and_counted() {
    let refusals = IntCounter::new("refusals", "refusals").unwrap();
    let queue = queue(1, READ_LIMIT).counting(&refusals);
    let release = occupy(&queue).await;
    for _ in 0..MOST_WAITING {
        queue.push(act(drop));
    }
    assert_eq!(refusals.get(), 0);
    assert_eq!(words(queue.run(|_| Ok(())).await), "too many requests wait for the database");
    assert_eq!(refusals.get(), 1);
    drop(release);
}

#[tokio::test]
async fn work_of_callers_that_are_gone_makes_room() {
    let queue = queue(1, READ_LIMIT);
    let release = occupy(&queue).await;
    for _ in 0..MOST_WAITING {
        let cancelled = tokio::time::timeout(Duration::ZERO, queue.run(|_| Ok(())));
        assert!(cancelled.await.is_err());
    }
    let next = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run(|_| Ok(7)).await }
    });
    tokio::task::yield_now().await;
    drop(release);
    assert_eq!(next.await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn work_whose_caller_is_gone_is_left_out() {
    let queue = queue(1, READ_LIMIT);
    let release = occupy(&queue).await;
    let (begin, begun) = oneshot::channel::<()>();
    let cancelled = queue.run(move |_| begin.send(()).map_err(|()| Error::internal("the test is over")));
    assert!(tokio::time::timeout(Duration::from_millis(10), cancelled).await.is_err());
    drop(release);
    assert!(begun.await.is_err());
}

#[tokio::test]
async fn work_without_enough_time_does_not_begin() {
    let queue = queue(1, LEAST_LEFT + Duration::from_millis(50));
    let release = occupy(&queue).await;
    let (begin, begun) = oneshot::channel();
    queue.push(act(move |deadline| begin.send(deadline.map(drop)).unwrap()));
    thread::sleep(Duration::from_millis(60));
    drop(release);
    assert_eq!(words(begun.await.unwrap()), "the database did not answer in time");
}

#[tokio::test]
async fn a_caller_gets_the_answer_of_work_that_ends_at_its_deadline() {
    let queue = queue(1, LEAST_LEFT + Duration::from_millis(50));
    let at_deadline = |deadline: Instant| {
        thread::sleep(deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(50));
        Err::<(), _>(Error::unavailable("the change may have taken effect"))
    };
    assert_eq!(words(queue.run(at_deadline).await), "the change may have taken effect");
}

#[tokio::test]
async fn a_caller_does_not_wait_for_work_that_does_not_end() {
    let queue = queue(1, LEAST_LEFT + Duration::from_millis(50));
    let begun = Instant::now();
    let _release = occupy(&queue).await;
    assert_eq!(words(queue.run(|_| Ok(())).await), "the database did not answer in time");
    assert!(begun.elapsed() < Duration::from_secs(5));
}
