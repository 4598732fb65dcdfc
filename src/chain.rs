//! An error as one line: what failed, and why, down to the first cause. For logs, ledger and `doctor`.

/// `error` and its causes; a cause that the text already tells is not told again.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}
