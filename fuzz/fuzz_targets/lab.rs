//! Any text as a script of the lab: no panic, and drawings without control characters.
//!
//! `cargo +nightly fuzz run lab`

#![no_main]

use libfuzzer_sys::fuzz_target;
use tophash_lab::text::{Look, render};
use tophash_lab::{Command, Session, Setup, build, parse};

fuzz_target!(|text: &str| {
    let Ok(build) = build("1.27", "") else { return };
    let mut session = Session::new(Setup { build, seed: 1 });
    for statement in parse("fuzz", text).statements.into_iter().take(200) {
        // Exploring a race takes seconds.
        if matches!(statement.command, Command::Race(_)) {
            continue;
        }
        if let Ok((mut frame, _)) = session.run(&statement.command) {
            frame.command = statement.text;
            let look = Look { color: false, width: 80 };
            let text = render(&frame, look);
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        }
    }
});
