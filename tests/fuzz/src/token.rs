use apikeys_core::{
    entropy::{Entropy, EntropyError},
    token::TokenFormat,
};

/// Checks the shape and checksum of secrets.
///
/// An accepted text is returned unchanged, and has an accepted prefix and the right length. A generated secret is
/// accepted. It is rejected if one byte is changed.
pub fn token(data: &[u8]) {
    let format = TokenFormat::new("acme_live".parse().unwrap()).also_accept("old".parse().unwrap());
    if let Ok(text) = format.check(data) {
        assert_eq!(text.as_bytes(), data);
        let (prefix, rest) = text.rsplit_once('_').expect("a separator");
        assert!(["acme_live", "old"].contains(&prefix), "{prefix}");
        assert!(rest.len() == 36 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{rest}");
    }

    let [place, byte, seed @ ..] = data else { return };
    let secret = format.generate(&Seeded(seed.to_vec())).unwrap();
    let mut text = secret.expose().as_bytes().to_vec();
    assert_eq!(format.check(&text), Ok(secret.expose()));
    let place = usize::from(*place) % text.len();
    if text[place] != *byte {
        text[place] = *byte;
        assert!(format.check(&text).is_err(), "{place} {byte} {:?}", secret.expose());
    }
}

/// Fills the buffer with the seed. Its bytes count up, so that the generator always finds characters.
#[derive(Debug)]
struct Seeded(Vec<u8>);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        for (number, byte) in bytes.iter_mut().enumerate() {
            let seed = self.0.get(number % self.0.len().max(1)).copied().unwrap_or(0);
            *byte = seed.wrapping_add(u8::try_from(number % 256).unwrap_or(0));
        }
        Ok(())
    }
}
