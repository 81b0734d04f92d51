//! Loopback ports that belong to one sandbox and that nobody else takes.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use rand::RngExt as _;

use super::error::SandboxError;

/// Below the range that the kernel gives to outgoing connections, so that none of those can take a
/// port of ours.
const FIRST: u16 = 10_240;
const BLOCK: u16 = 8;
const BLOCKS: u16 = 2_700;

/// A block of loopback ports that belongs to one sandbox.
///
/// Its first port is bound here and stays bound, which is what keeps two sandboxes from choosing
/// the same block; the listener serves the kubelets.
pub(super) struct Ports {
    kubelet: TcpListener,
    base: u16,
}

impl Ports {
    /// Claims a block whose ports are all free, beginning at a random one.
    pub(super) fn claim() -> Result<Self, SandboxError> {
        let offset = rand::rng().random_range(0..BLOCKS);
        let bases = (0..BLOCKS).map(|index| FIRST + (offset + index) % BLOCKS * BLOCK);
        bases
            .into_iter()
            .find_map(Self::claim_block)
            .ok_or(SandboxError::NoPorts)
    }

    fn claim_block(base: u16) -> Option<Self> {
        let kubelet = bind(base)?;
        (1..BLOCK)
            .all(|index| bind(base + index).is_some())
            .then_some(Self { kubelet, base })
    }

    /// The bound port, for its server; the block stays claimed.
    pub(super) fn listener(&self) -> Result<TcpListener, SandboxError> {
        self.kubelet.try_clone().map_err(|_| SandboxError::NoPorts)
    }

    pub(super) fn kubelet_port(&self) -> u16 {
        self.base
    }

    pub(super) fn etcd_client(&self) -> u16 {
        self.base + 1
    }

    pub(super) fn etcd_peer(&self) -> u16 {
        self.base + 2
    }

    pub(super) fn api_server(&self) -> u16 {
        self.base + 3
    }

    pub(super) fn kwok(&self) -> u16 {
        self.base + 4
    }
}

fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sandboxes_never_share_a_block() {
        let first = Ports::claim().unwrap();
        assert!(Ports::claim_block(first.base).is_none());
        let second = Ports::claim().unwrap();
        assert!(first.base.abs_diff(second.base) >= BLOCK);
    }
}
