/// Returns a secret whose last six characters are replaced by the right checksum: CRC-32 (IEEE) in base 62. The code is
/// independent of the checked implementation.
#[must_use]
pub fn checksum(head: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = u32::MAX;
    for byte in head.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut digits = [' '; 6];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(DIGITS[usize::try_from(rest % 62).unwrap()]);
        rest /= 62;
    }
    format!("{head}{}", digits.iter().collect::<String>())
}

/// Returns a well-formed secret of no key, with the display prefix of `secret`.
#[must_use]
pub fn with_another_body(secret: &str) -> String {
    let (head, _) = secret.split_at(secret.len() - 6);
    let (kept, last) = head.split_at(head.len() - 1);
    checksum(&format!("{kept}{}", if last == "x" { "y" } else { "x" }))
}

#[cfg(test)]
mod tests {
    use apikeys_core::token::{Prefix, TokenFormat};

    use super::*;

    #[test]
    fn forged_secret_is_well_formed_and_differs_from_the_original() {
        let format = TokenFormat::new(Prefix::new("demo_live").unwrap());
        let real = format.generate(&apikeys_core::entropy::OsEntropy::new()).unwrap();
        let (head, _) = real.expose().split_at(real.expose().len() - 6);
        assert!(checksum(head) == real.expose());
        let forged = with_another_body(real.expose());
        assert!(forged != real.expose() && forged.starts_with(real.display_prefix()));
        assert!(format.check(forged.as_bytes()).is_ok());
    }
}
