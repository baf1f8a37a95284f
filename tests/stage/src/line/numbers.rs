//! The second table of numbers: one for each final SIP code, and those for what no single code can say.

/// The number at which a call ends with this final SIP code, 300 to 699; `None` for every other code.
///
/// 408, 480, 486, 487, 600, 603, 607 and 608 ring first. 401 and 407 reach the API as missing credentials; see
/// [`STATUS_401`] for the other shape.
///
/// ```
/// assert_eq!(stage::line::numbers::ending_with(486).as_deref(), Some("+14045550186"));
/// assert_eq!(stage::line::numbers::ending_with(200), None);
/// ```
#[must_use]
pub fn ending_with(code: u16) -> Option<String> {
    let area = match code / 100 {
        3 => 303,
        4 => 404,
        5 => 505,
        6 => 606,
        _ => return None,
    };
    Some(format!("+1{area}55501{:02}", code % 100))
}

/// Neither rings nor answers.
pub const SILENT: &str = "+17075550100";
/// 401 as a status, with its code in the answer of the API.
pub const STATUS_401: &str = "+17075550101";
/// 407 as a status, with its code in the answer of the API.
pub const STATUS_407: &str = "+17075550107";
/// Rings for ever; answers in the moment it is cancelled: active for an instant, then gone.
pub const ANSWERS_WHEN_CANCELLED: &str = "+17075550120";
/// Rings for ever; when it is cancelled its answer is on its way, and the room never sees it.
pub const ANSWER_CROSSES_CANCEL: &str = "+17075550121";
/// Answers; a transfer of it, or to it, is refused with 405.
pub const REFER_405: &str = "+17075550130";
/// Answers; a transfer of it, or to it, is refused with 501.
pub const REFER_501: &str = "+17075550131";
/// Answers; a transfer of it, or to it, is refused with 603.
pub const REFER_603: &str = "+17075550132";
/// Answers; a transfer of it, or to it, is taken, and nothing is ever heard of it.
pub const REFER_SILENT: &str = "+17075550133";
/// 180 only: rings for ever.
pub const RINGS_FOR_EVER: &str = "+17075550180";
/// 183 with early media, then answers.
pub const EARLY_THEN_ANSWER: &str = "+17075550183";
/// 183 with early media, then busy (486).
pub const EARLY_THEN_BUSY: &str = "+17075550184";
/// 183 with early media, then not in service (404).
pub const EARLY_THEN_NOT_FOUND: &str = "+17075550185";
/// 183 with early media for ever.
pub const EARLY_FOR_EVER: &str = "+17075550186";
