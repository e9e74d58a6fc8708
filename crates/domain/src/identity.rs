//! Who owns data and who acts: the rules for names, addresses and passwords.

use std::borrow::Cow;

use crate::error::FieldError;

/// Shortest password, in characters.
pub const PASSWORD_MIN: usize = 12;
/// Longest password, in bytes: a bound on the work of hashing.
pub const PASSWORD_MAX_BYTES: usize = 1024;
/// Longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3: a path of 256 with its brackets).
pub const EMAIL_MAX_BYTES: usize = 254;
/// Longest name of a person or an organization, in characters.
pub const NAME_MAX: usize = 80;

/// The form under which an address is unique: trimmed, lower case.
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Checks an address for shape only; mail tells whether it is real.
pub fn check_email(email: &str) -> Option<FieldError> {
    let refuse = |code, message: &'static str| Some(FieldError { field: "email", code, message: Cow::Borrowed(message) });
    let email = email.trim();
    if email.is_empty() {
        return refuse("required", "Enter your e-mail address.");
    }
    if email.len() > EMAIL_MAX_BYTES {
        return refuse("too_long", "This address is too long.");
    }
    let Some((local, host)) = email.rsplit_once('@') else {
        return refuse("malformed", "An e-mail address has an @ in it.");
    };
    if local.is_empty() || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refuse("malformed", "The part before @ looks incomplete.");
    }
    let labels_fine = host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    if !host.contains('.') || !labels_fine {
        return refuse("malformed", "The part after @ looks incomplete.");
    }
    None
}

/// Checks a new password for length; strength is judged where the word lists are.
pub fn check_password(password: &str) -> Option<FieldError> {
    let refuse = |code, message: &'static str| Some(FieldError { field: "password", code, message: Cow::Borrowed(message) });
    if password.is_empty() {
        return refuse("required", "Choose a password.");
    }
    if password.chars().count() < PASSWORD_MIN {
        return refuse("too_short", "Too short. Use 12 characters or more; a short sentence is fine.");
    }
    if password.len() > PASSWORD_MAX_BYTES {
        return refuse("too_long", "Too long. Use at most 1,024 bytes.");
    }
    None
}

/// Checks a person's or an organization's name.
pub fn check_name(name: &str) -> Option<FieldError> {
    let refuse = |code, message: &'static str| Some(FieldError { field: "name", code, message: Cow::Borrowed(message) });
    let name = name.trim();
    if name.is_empty() {
        return refuse("required", "Enter your name.");
    }
    if name.chars().count() > NAME_MAX {
        return refuse("too_long", "Too long. Use at most 80 characters.");
    }
    if name.chars().any(char::is_control) {
        return refuse("malformed", "A name holds no control characters.");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["ada@example.com", " ada@example.com ", "a+b@x.co", "ö@exämple.com"] {
            assert_eq!(check_email(good), None, "{good}");
        }
        for bad in ["", "ada", "ada@example", "@example.com", "a b@example.com", "ada@.com", "ada@-x.com"] {
            assert!(check_email(bad).is_some(), "{bad}");
        }
    }
}
