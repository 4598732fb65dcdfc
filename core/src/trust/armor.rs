//! The armor around an SSH signature. Read by writing it again: what differs by a byte is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const WIDTHS: std::ops::RangeInclusive<usize> = 64..=76;

/// The bytes within `armor` (lines joined by `\n`, no newline at the end), if it is canonical.
pub(super) fn decode(armor: &str) -> Option<Vec<u8>> {
    let body = armor.strip_prefix(BEGIN)?.strip_prefix('\n')?.strip_suffix(END)?.strip_suffix('\n')?;
    let width = body.find('\n').unwrap_or(*WIDTHS.end());
    let data = STANDARD.decode(body.replace('\n', "")).ok()?;
    (WIDTHS.contains(&width) && encode(&data, width) == armor).then_some(data)
}

/// Armor of one uniform width.
pub(super) fn encode(data: &[u8], width: usize) -> String {
    let digits = STANDARD.encode(data);
    let mut out = String::from(BEGIN);
    for (at, digit) in digits.chars().enumerate() {
        if at % width == 0 {
            out.push('\n');
        }
        out.push(digit);
    }
    out.push('\n');
    out.push_str(END);
    out
}
