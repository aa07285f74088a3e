//! The user, or the system, asks the program to end.

use tokio::signal::unix::{SignalKind, signal};

/// The exit code of a program that a signal ended at once: 128 and the number of SIGINT.
const AT_ONCE: i32 = 130;

/// Completes when the program is asked to end. Asked once more, it ends at once, whatever it is doing: that is what a
/// crash is, and nothing that was saved is lost.
pub(crate) async fn interrupted() {
    asked().await;
    eprintln!("Stopping. Once more (Ctrl-C) to stop at once; nothing that is saved is lost.");
    tokio::spawn(async {
        asked().await;
        std::process::exit(AT_ONCE);
    });
}

async fn asked() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        Some(()) = terminated => {}
        else => std::future::pending().await,
    }
}
