//! Which proxies are believed when they tell a client's address.

use std::{net::IpAddr, str::FromStr};

use anyhow::{Context, Result, bail};

/// Addresses and networks, written `10.0.0.0/8, 192.0.2.7`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<(IpAddr, u8)>);

impl TrustedProxies {
    /// Whether this peer is one of them.
    pub fn contains(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|(network, length)| same_network(*network, peer.to_canonical(), *length))
    }

    /// The client's address: the last hop that no trusted proxy vouches for.
    ///
    /// `forwarded` is `X-Forwarded-For`, whose entries before the last believed one anybody may have made up.
    pub fn client(&self, peer: IpAddr, forwarded: Option<&str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in forwarded.unwrap_or_default().rsplit(',') {
            if !self.contains(client) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(address) => client = address.to_canonical(),
                Err(_) => break,
            }
        }
        client
    }
}

impl FromStr for TrustedProxies {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(network).collect::<Result<_>>().map(Self)
    }
}

fn network(entry: &str) -> Result<(IpAddr, u8)> {
    let (address, length) = entry.split_once('/').map_or((entry, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().with_context(|| format!("`{entry}` is not an address or a network such as 10.0.0.0/8"))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Ok(most), str::parse).with_context(|| format!("`{entry}`"))?;
    if length > most {
        bail!("`{entry}`: the network's length is at most {most}");
    }
    Ok((address, length))
}

fn same_network(network: IpAddr, address: IpAddr, length: u8) -> bool {
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).checked_shr(32 - u32::from(length)).unwrap_or(0) == 0,
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).checked_shr(128 - u32::from(length)).unwrap_or(0) == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_declared_proxies_are_believed() {
        let none = TrustedProxies::default();
        assert_eq!(none.client(ip("192.0.2.1"), Some("203.0.113.9")), ip("192.0.2.1"));
        let one: TrustedProxies = "10.0.0.0/8, 2001:db8::/32".parse().unwrap();
        assert_eq!(one.client(ip("10.1.2.3"), Some("203.0.113.9")), ip("203.0.113.9"));
        // The first entry was made up by the client; the second was added by the proxy.
        assert_eq!(one.client(ip("10.1.2.3"), Some("1.1.1.1, 203.0.113.9")), ip("203.0.113.9"));
        assert_eq!(one.client(ip("10.1.2.3"), Some("203.0.113.9, 10.9.9.9")), ip("203.0.113.9"));
        assert_eq!(one.client(ip("::ffff:10.1.2.3"), Some("203.0.113.9")), ip("203.0.113.9"));
        assert_eq!(one.client(ip("10.1.2.3"), Some("rubbish")), ip("10.1.2.3"));
        assert_eq!(one.client(ip("10.1.2.3"), None), ip("10.1.2.3"));
        assert!(one.contains(ip("2001:db8::7")) && !one.contains(ip("2001:db9::7")));
    }

    #[test]
    fn a_network_may_be_everything() {
        let all: TrustedProxies = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains(ip("8.8.8.8")));
    }
}
