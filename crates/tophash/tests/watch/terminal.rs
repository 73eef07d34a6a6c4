//! `--tui` in a pseudo-terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::{service, wait};

/// A terminal with the command in it.
struct Terminal {
    child: Child,
    /// Its other end, kept open so that its modes can be looked at.
    inside: File,
    outside: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    fn start(rows: u16, columns: u16, arguments: &[&str]) -> Terminal {
        let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&outside).unwrap();
        unlockpt(&outside).unwrap();
        let name = ptsname(&outside, Vec::new()).unwrap();
        let mut inside = File::options();
        let inside = inside.read(true).write(true).open(name.to_str().unwrap());
        let (outside, inside) = (File::from(outside), inside.unwrap());
        tcsetwinsize(&outside, size(rows, columns)).unwrap();
        // In a session of its own whose terminal this is: its changes of size are told.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_tophash"), "watch"])
            .args(["--tui", "--listen", "127.0.0.1:0", "--history", "none"])
            .args(["--interval", "200ms"])
            .args(arguments)
            .env("TERM", "xterm-256color")
            .stdin(inside.try_clone().unwrap())
            .stdout(inside.try_clone().unwrap())
            .stderr(inside.try_clone().unwrap())
            .spawn()
            .unwrap();
        let screen = Arc::new(Mutex::new(parser(rows, columns)));
        let (to, mut from) = (Arc::clone(&screen), outside.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                to.lock().unwrap().process(&bytes[..count]);
            }
        });
        Terminal {
            child,
            inside,
            outside,
            screen,
        }
    }

    fn resize(&self, rows: u16, columns: u16) {
        let mut screen = self.screen.lock().unwrap();
        screen.screen_mut().set_size(cells(rows), cells(columns));
        tcsetwinsize(&self.outside, size(rows, columns)).unwrap();
    }

    fn press(&mut self, keys: &[u8]) {
        self.outside.write_all(keys).unwrap();
    }

    fn shows(&self, text: &str) -> String {
        wait(text, || {
            let shown = self.screen.lock().unwrap().screen().contents();
            match shown.contains(text) {
                true => Ok(shown),
                false => Err(shown),
            }
        })
    }

    /// Whether a line is taken as a whole and shown as it is typed: what a shell finds.
    fn is_plain(&self) -> bool {
        let modes = tcgetattr(&self.inside).unwrap().local_modes;
        let screen = self.screen.lock().unwrap();
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
            && !screen.screen().alternate_screen()
            && !screen.screen().hide_cursor()
    }

    fn ends(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "it runs on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parser(rows: u16, columns: u16) -> vt100::Parser {
    vt100::Parser::new(cells(rows), cells(columns), 0)
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

#[test]
fn the_terminal_shows_what_the_page_shows_and_is_left_as_it_was() {
    let service = service();
    let shop = format!("shop={}", service.url);
    let arguments = [shop.as_str(), "--window", "2s", "--climb", "1"];
    // q, and what a terminal makes of Ctrl-C in raw mode.
    for key in [b"q", b"\x03"] {
        let mut terminal = Terminal::start(30, 120, &arguments);
        terminal.shows("map memory of shop");
        terminal.shows("shop/cache.go:31");
        let shown = terminal.shows("take more and more memory");
        assert!(shown.contains("WA501 shop maps filled in main.(*Cache).Set"));
        assert!(shown.contains("closed"), "{shown}");
        assert!(!terminal.is_plain());

        terminal.resize(18, 60);
        let start = Instant::now();
        wait("a smaller picture", || {
            let shown = terminal.screen.lock().unwrap().screen().contents();
            let last = shown.lines().last().unwrap_or_default().to_owned();
            let fits = shown.lines().count() == 18 && last.contains("page http://");
            match fits && start.elapsed() > Duration::from_millis(600) {
                true => Ok(()),
                false => Err(shown),
            }
        });

        terminal.press(key);
        // Whether the finding still holds depends on how fast this machine is.
        let status = terminal.ends();
        assert!(matches!(status.code(), Some(0 | 1)), "{status}");
        wait("the terminal as it was", || match terminal.is_plain() {
            true => Ok(()),
            false => Err(terminal.screen.lock().unwrap().screen().contents()),
        });
    }
}

#[test]
fn a_terminal_is_left_as_it_was_on_a_signal_and_after_its_time() {
    let service = service();
    for time in ["60s", "2s"] {
        let mut terminal = Terminal::start(24, 80, &[&service.url, "--for", time]);
        terminal.shows("shop/cache.go:31");
        if time == "60s" {
            let pid = Pid::from_child(&terminal.child);
            kill_process(pid, Signal::TERM).unwrap();
        }
        assert_eq!(terminal.ends().code(), Some(0));
        wait("the terminal as it was", || match terminal.is_plain() {
            true => Ok(()),
            false => Err(String::new()),
        });
    }
}

#[test]
fn without_a_terminal_it_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_tophash"))
        .args(["watch", ":1", "--tui", "--listen", "127.0.0.1:0"])
        .args(["--history", "none", "--for", "2s"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--tui"), "{said}");
    assert!(output.stdout.is_empty());
}
