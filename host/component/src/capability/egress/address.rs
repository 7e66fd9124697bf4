//! Which addresses are somewhere in the public internet, and what the others
//! are. The ranges are those of IANA's special-purpose registries for IPv4 and
//! IPv6. It knows no grants and no names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is that a name must not lead to without a grant; `None`
/// for one of the public internet.
pub(crate) fn inner(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => inner_v4(address),
        IpAddr::V6(address) => inner_v6(address),
    }
}

const PRIVATE: &str = "a private address";
const LOOPBACK: &str = "a loopback address";
const LINK_LOCAL: &str = "a link-local address";
const UNSPECIFIED: &str = "an unspecified address";
const MULTICAST: &str = "a multicast address";
const DOCUMENTATION: &str = "an address for documentation";
const BENCHMARKS: &str = "an address for benchmarks";
const TUNNEL: &str = "an address of a tunnel";
const RESERVED: &str = "a reserved address";

/// Network, length of its prefix, what it is. The first that fits counts.
const V4: [(Ipv4Addr, u32, &str); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, UNSPECIFIED),
    (Ipv4Addr::new(10, 0, 0, 0), 8, PRIVATE),
    (
        Ipv4Addr::new(100, 64, 0, 0),
        10,
        "an address of a carrier's NAT",
    ),
    (Ipv4Addr::new(127, 0, 0, 0), 8, LOOPBACK),
    // Answers virtual machines of one cloud, though the number is public.
    (
        Ipv4Addr::new(168, 63, 129, 16),
        32,
        "an address of a cloud's own services",
    ),
    // 169.254.169.254 and its like hand out credentials of the machine.
    (Ipv4Addr::new(169, 254, 0, 0), 16, LINK_LOCAL),
    (Ipv4Addr::new(172, 16, 0, 0), 12, PRIVATE),
    (Ipv4Addr::new(192, 0, 0, 0), 24, RESERVED),
    (Ipv4Addr::new(192, 0, 2, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(192, 88, 99, 0), 24, TUNNEL),
    (Ipv4Addr::new(192, 168, 0, 0), 16, PRIVATE),
    (Ipv4Addr::new(198, 18, 0, 0), 15, BENCHMARKS),
    (Ipv4Addr::new(198, 51, 100, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(203, 0, 113, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(224, 0, 0, 0), 4, MULTICAST),
    (Ipv4Addr::BROADCAST, 32, "the broadcast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, RESERVED),
];

const V6: [(Ipv6Addr, u32, &str); 13] = [
    (Ipv6Addr::UNSPECIFIED, 128, UNSPECIFIED),
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    (
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0),
        48,
        "an address of a local translator",
    ),
    // Teredo.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, TUNNEL),
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, BENCHMARKS),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, RESERVED),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        DOCUMENTATION,
    ),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, TUNNEL),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        DOCUMENTATION,
    ),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, PRIVATE),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LINK_LOCAL),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, PRIVATE),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, MULTICAST),
];

fn inner_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within = |(network, length, _): &&(Ipv4Addr, u32, _)| {
        (network.to_bits() ^ address.to_bits()).leading_zeros() >= *length
    };
    V4.iter().find(within).map(|(.., what)| *what)
}

fn inner_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(embedded) = embedded(address) {
        return inner_v4(embedded);
    }
    let within = |(network, length, _): &&(Ipv6Addr, u32, _)| {
        (network.to_bits() ^ address.to_bits()).leading_zeros() >= *length
    };
    match V6.iter().find(within) {
        Some((.., what)) => Some(what),
        // All of the public internet is in 2000::/3.
        None if address.to_bits() >> 125 == 1 => None,
        None => Some(RESERVED),
    }
}

/// The IPv4 address that packets for this one go to: written as IPv6
/// (`::ffff:a.b.c.d`), or by the well-known prefix of NAT64 (RFC 6052), which
/// names of the IPv4 internet resolve to in networks without IPv4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let low = u32::try_from(address.to_bits() & u128::from(u32::MAX)).ok()?;
            Some(Ipv4Addr::from_bits(low))
        }
        _ => None,
    }
}
