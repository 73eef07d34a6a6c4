//! What is raised against services that suffer, as the command says it.

use std::time::Instant;

use crate::{Watch, fake, heap, ok, profiled, service, status};

/// Goroutines of which `n` wait for the lock of `main.(*Cache)`, as Go 1.26 prints them.
fn waiting(n: u64) -> String {
    let total = n + 1;
    format!(
        "goroutine profile: total {total}\n\
         {n} @ 0x501000 0x502000 0x503000 0x504000\n\
         #\t0x500fff\tinternal/sync.runtime_SemacquireMutex+0x1\t/go/src/runtime/sema.go:95\n\
         #\t0x501fff\tinternal/sync.(*Mutex).lockSlow+0x1\t/go/src/internal/sync/mutex.go:149\n\
         #\t0x502fff\tsync.(*Mutex).Lock+0x1\t/go/src/sync/mutex.go:46\n\
         #\t0x503fff\tmain.(*Cache).Get+0x1\t/src/shop/cache.go:44\n\n\
         1 @ 0x401000 0x402000\n#\t0x401fff\tmain.main+0x1\t/src/shop/main.go:9\n"
    )
}

#[test]
fn an_allocation_rate_over_the_threshold() {
    let start = Instant::now();
    // 1,000 MB a second, all of it for the map of one line.
    let objects = move || start.elapsed().as_millis() as u64 * 1_000_000 / 18_432;
    let fast = profiled(move |_| heap(objects()), |_| waiting(1));
    let watch = Watch::start(&[&fast.url]);
    let said = watch.wait_for("maps filled here allocate");
    let line = said.lines().find(|line| line.contains("WA502")).unwrap();
    let rate = line.split("it allocates ").nth(1).unwrap();
    assert!(
        line.contains("warning[WA502]") && rate.contains(" a second, about "),
        "{said}"
    );
    assert!(
        said.contains("shop/cache.go:31: maps filled here allocate "),
        "{said}"
    );

    let slow = profiled(|polls| heap(1000 + polls), |_| waiting(1));
    let watch = Watch::start(&[&slow.url, "--for", "4s"]);
    watch.wait_for("it answers");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!watch.said().contains("WA502"), "{}", watch.said());
}

#[test]
fn goroutines_that_become_more_and_more() {
    // Most of them were there before: a leak goes on.
    let service = profiled(|_| heap(1000), |polls| waiting(5000 + 20 * polls));
    let watch = Watch::start(&[&service.url, "--window", "6s"]);
    let said = watch.wait_for("they stand here");
    assert!(
        said.contains("warning[WA701]: goroutines that stand in main.(*Cache).Get become more"),
        "{said}"
    );
}

#[test]
fn goroutines_held_up_at_the_lock_of_a_map() {
    let service = profiled(|_| heap(1000), |_| waiting(30));
    let watch = Watch::start(&[&service.url]);
    // The last line of the finding's evidence.
    let said = watch.wait_for("its map is filled here");
    assert!(
        said.contains(
            "warning[WA201]: 30 goroutines wait for the lock of main.(*Cache), which guards a map"
        ),
        "{said}"
    );
    assert!(said.contains("cache.go:44: 30 wait here"), "{said}");
    assert!(
        said.contains("cache.go:31: its map is filled here: 18 MB"),
        "{said}"
    );
}

#[test]
fn a_service_that_answers_only_what_is_cheap_is_not_said_to_be_well() {
    let fake = fake(|head| match head.contains("/debug/pprof/cmdline") {
        true => ok(b"shop"),
        false => status("500 Internal Server Error", ""),
    });
    let watch = Watch::start(&[&fake.url]);
    let said = watch.wait_for("it is left alone for a while");
    assert_eq!(said.matches("answers with status 500").count(), 1, "{said}");
    assert!(!said.contains("it answers"), "{said}");
    let metrics = watch.get("/metrics", "localhost");
    let up = metrics.lines().find(|line| line.starts_with("tophash_up{"));
    assert!(up.is_some_and(|line| line.ends_with("} 0.0")), "{up:?}");
}

#[test]
fn targets_and_listeners_of_ipv6() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        eprintln!("SKIPPED: this machine has no IPv6");
        return;
    };
    let service = service();
    let six = listener.local_addr().unwrap();
    let four = service.url.trim_start_matches("http://").to_owned();
    // Hands connections on to the service.
    std::thread::spawn(move || {
        for mut from in listener.incoming().map_while(Result::ok) {
            let mut to = std::net::TcpStream::connect(&four).unwrap();
            let (mut back, mut forth) = (to.try_clone().unwrap(), from.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        }
    });
    for target in [format!("http://{six}"), format!("shop={six}")] {
        let watch = Watch::listening("[::1]:0", &[&target]);
        let said = watch.wait_for("it answers");
        assert!(watch.page.starts_with("http://[::1]:"), "{}", watch.page);
        let host = watch
            .page
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let metrics = watch.get("/metrics", host);
        assert!(
            metrics.contains(&format!("target=\"http://{six}\"")),
            "{said}{metrics}"
        );
        assert!(watch.get("/", "[::1]").contains("<!doctype html>"));
        assert!(watch.get("/", "[::2]").starts_with("HTTP/1.1 403"));
    }
}
