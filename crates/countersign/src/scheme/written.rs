//! Which headers a scheme's signer writes.

use alloc::{borrow::Cow, format, vec, vec::Vec};

use super::{Part, Place, Scheme, Source, Text};

impl Scheme {
    /// The names of the headers that a [`Signer`](crate::Signer) by this scheme writes, whatever its keys and messages
    /// are, each once. One that ends in `*` stands for all that begin so: each key has a number of its own.
    ///
    /// Nobody else may set them: a header of the same name could be taken for a signature.
    #[must_use]
    pub fn written_headers(&self) -> Vec<Text> {
        let signed = self.content.iter().filter_map(|part| match part {
            Part::Header(name) => Some(name.clone()),
            _ => None,
        });
        let fixed = self.delivery.fixed.iter().map(|fixed| fixed.name.clone());
        let event =
            [&self.event.id, &self.event.event_type].into_iter().filter_map(|places| match &**places {
                [Place::Header(name)] => Some(name.clone()),
                _ => None,
            });
        let mut names: Vec<Text> = Vec::new();
        for name in signed.chain(self.signature_headers()).chain(fixed).chain(event) {
            if !names.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                names.push(name);
            }
        }
        names
    }

    fn signature_headers(&self) -> Vec<Text> {
        match &self.signature.source {
            _ if self.is_unsigned() => Vec::new(),
            Source::Header(name) | Source::Repeated(name) => vec![name.clone()],
            Source::Numbered(prefix) => vec![Cow::Owned(format!("{prefix}*"))],
            Source::PerKey(names) => names.to_vec(),
        }
    }
}
