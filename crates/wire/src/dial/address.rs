//! Which addresses the gate may connect to: a store's URL comes from a user and must not reach into the
//! machine or the network that the gate runs in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds tell a machine its credentials, besides the link-local addresses.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // Amazon
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
];

/// What the operator allows. The default allows neither; private networks are always allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressPolicy {
    /// Loopback addresses and Unix sockets.
    pub loopback: bool,
    /// Link-local addresses, and those where clouds tell a machine its credentials.
    pub link_local: bool,
}

impl AddressPolicy {
    /// Whether `ip` may be connected to. IPv4 inside IPv6 is looked at as what it is.
    ///
    /// # Errors
    /// What kind of address it is, for a message.
    pub fn check(self, ip: IpAddr) -> Result<(), &'static str> {
        match ip {
            IpAddr::V4(v4) => self.check_v4(v4),
            IpAddr::V6(v6) => {
                if let Some(v4) = embedded(v6) {
                    return self.check_v4(v4);
                }
                if v6.is_unspecified() || v6.is_multicast() {
                    Err("an address of no single machine")
                } else if v6.is_loopback() && !self.loopback {
                    Err("a loopback address")
                } else if v6.is_unicast_link_local() && !self.link_local {
                    Err("a link-local address")
                } else if METADATA_V6.contains(&v6) && !self.link_local {
                    Err("a cloud's metadata address")
                } else {
                    Ok(())
                }
            }
        }
    }

    fn check_v4(self, v4: Ipv4Addr) -> Result<(), &'static str> {
        // All of 0.0.0.0/8 is "this machine" to Linux in one way or another.
        if v4.octets()[0] == 0 || v4.is_multicast() || v4.is_broadcast() {
            Err("an address of no single machine")
        } else if v4.is_loopback() && !self.loopback {
            Err("a loopback address")
        } else if v4.is_link_local() && !self.link_local {
            Err("a link-local address")
        } else if METADATA_V4.contains(&v4) && !self.link_local {
            Err("a cloud's metadata address")
        } else {
            Ok(())
        }
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped and compatible (RFC 4291, section 2.5.5), NAT64
/// (RFC 6052) and 6to4 (RFC 3056).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => v4(g, h),
        (0, 0, 0, 0, 0, 0) if g != 0 => v4(g, h),
        (0x2002, ..) => v4(b, c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_operator_allows_is_connected_to() {
        let none = AddressPolicy::default();
        let loopback = AddressPolicy { loopback: true, link_local: false };
        let link_local = AddressPolicy { loopback: false, link_local: true };
        // address, by default, with loopback, with link-local
        let table = [
            ("203.0.113.5", true, true, true),
            ("10.0.0.1", true, true, true),
            ("192.168.1.1", true, true, true),
            ("2001:db8::1", true, true, true),
            ("fd12::1", true, true, true),
            ("127.0.0.1", false, true, false),
            ("127.8.9.10", false, true, false),
            ("::1", false, true, false),
            ("::ffff:127.0.0.1", false, true, false),
            ("::127.0.0.1", false, true, false),
            ("64:ff9b::7f00:1", false, true, false),
            ("2002:7f00:1::", false, true, false),
            ("169.254.169.254", false, false, true),
            ("::ffff:169.254.169.254", false, false, true),
            ("64:ff9b::a9fe:a9fe", false, false, true),
            ("fe80::1", false, false, true),
            ("febf::1", false, false, true),
            ("fd00:ec2::254", false, false, true),
            ("100.100.100.200", false, false, true),
            ("168.63.129.16", false, false, true),
            ("0.0.0.0", false, false, false),
            ("0.1.2.3", false, false, false),
            ("::", false, false, false),
            ("::ffff:0.0.0.0", false, false, false),
            ("224.0.0.1", false, false, false),
            ("255.255.255.255", false, false, false),
            ("ff02::1", false, false, false),
        ];
        for (ip, by_default, with_loopback, with_link_local) in table {
            let parsed: IpAddr = ip.parse().expect(ip);
            assert_eq!(none.check(parsed).is_ok(), by_default, "{ip}");
            assert_eq!(loopback.check(parsed).is_ok(), with_loopback, "{ip} with loopback");
            assert_eq!(link_local.check(parsed).is_ok(), with_link_local, "{ip} with link-local");
        }
    }
}
