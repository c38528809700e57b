//! What stands for an algorithm in builds without its feature: no key of it is ever read, and nothing is accepted.

use alloc::vec::Vec;

#[derive(Clone)]
pub(crate) struct PublicKey(());

impl PublicKey {
    pub(crate) fn parse(_bytes: &[u8]) -> Option<Self> {
        None
    }

    pub(crate) fn verifies(&self, _message: &[u8], _signature: &[u8]) -> bool {
        false
    }
}

#[derive(Clone)]
pub(crate) struct SecretKey(());

impl SecretKey {
    pub(crate) fn parse(_bytes: &[u8]) -> Option<Self> {
        None
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(())
    }

    pub(crate) fn sign(&self, _message: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
