//! HMAC-SHA1, in builds that ask for it.

pub(super) type HmacSha1 = hmac::Hmac<sha1::Sha1>;
