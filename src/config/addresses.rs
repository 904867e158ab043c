//! Addresses to listen on and networks to trust, as people write them.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

/// Deserialises a list of `address:port`.
pub(super) fn listed_addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| address(text).map_err(serde::de::Error::custom)).collect()
}

/// Deserialises a list of `network/bits`; an address alone is a network of one.
pub(super) fn listed_networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| network(text).map_err(serde::de::Error::custom)).collect()
}

fn address(text: &str) -> Result<SocketAddr, String> {
    const WRONG: &str = "not an address with a port";
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(format!(
            "a URL, where an address with a port belongs; write it without {scheme}://, like \"[::]:443\""
        ));
    }
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let for_port = |port: &str| match port.parse::<u16>() {
        Ok(port) => format!(
            "{WRONG}; write \"[::]:{port}\" for every address of this machine, \"127.0.0.1:{port}\" for this machine alone"
        ),
        Err(_) => "no port there is; ports are numbers from 1 to 65535, as in \"[::]:443\"".to_owned(),
    };
    if is_port(text) {
        return Err(for_port(text));
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        // `::443` is an address too, and hardly ever meant to be one.
        let hint = format!("the port is missing; write \"{}\"", SocketAddr::new(ip, 443));
        return Err(hint);
    }
    match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) && ["", "*", "[::]", "0.0.0.0"].contains(&host) => Err(for_port(port)),
        Some((host, port)) if is_port(port) => match host.parse::<IpAddr>() {
            Ok(_) if port.parse::<u16>().is_err() => Err(for_port(port)),
            Ok(ip) => Err(format!("{WRONG}: IPv6 stands in brackets; write \"[{ip}]:{port}\"")),
            Err(_) if host == "localhost" => {
                Err(format!("a name; write the address it stands for: \"127.0.0.1:{port}\""))
            }
            Err(_) => {
                Err(format!("{WRONG}: names are not looked up; write an address of this machine, like \"[::]:{port}\""))
            }
        },
        _ => Err(format!("{WRONG}; write it like \"[::]:443\" or \"127.0.0.1:8443\"")),
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    if let Ok(network) = text.parse() {
        return Ok(network);
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(ip.into());
    }
    let most = |ip: IpAddr| if ip.is_ipv4() { 32 } else { 128 };
    match text.split_once('/').map(|(ip, bits)| (ip.trim().parse::<IpAddr>(), bits.trim())) {
        Some((Ok(ip), mask)) => match mask.parse::<IpAddr>().ok().and_then(|mask| IpNet::with_netmask(ip, mask).ok()) {
            Some(network) => Err(format!("a mask, where its number of bits belongs; write \"{network}\"")),
            None => Err(format!("a network has 0 to {} bits; write \"{ip}/{}\" for one address", most(ip), most(ip))),
        },
        _ if bare.parse::<SocketAddr>().is_ok() || text.parse::<SocketAddr>().is_ok() => {
            Err("a network has no port; write it like \"127.0.0.1/32\"".into())
        }
        _ if text.eq_ignore_ascii_case("localhost") => {
            Err("a name; write \"127.0.0.1/32\", and \"::1/128\" beside it".into())
        }
        _ => Err("not a network; write it like \"127.0.0.1/32\" or \"10.0.0.0/8\", without names".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_explained() {
        assert_eq!(address(" [::]:443 "), "[::]:443".parse().map_err(|_| String::new()));
        for (text, hint) in [
            ("443", "write \"[::]:443\""),
            (":443", "write \"[::]:443\""),
            ("*:443", "write \"[::]:443\""),
            ("0.0.0.0", "write \"0.0.0.0:443\""),
            ("::1", "write \"[::1]:443\""),
            ("[::]", "write \"[::]:443\""),
            (":::443", "write \"[::]:443\""),
            ("fe80::1%eth0:443", "write an address of this machine"),
            ("localhost:8443", "write the address it stands for: \"127.0.0.1:8443\""),
            ("auth.example.org:443", "names are not looked up"),
            ("127.0.0.1:70000", "from 1 to 65535"),
            ("70000", "from 1 to 65535"),
            ("https://0.0.0.0:443", "write it without https://"),
            ("", "write it like \"[::]:443\""),
            ("tcp", "write it like \"[::]:443\""),
        ] {
            let said = address(text).expect_err(text);
            assert!(said.contains(hint), "{text}: {said}");
        }
    }

    #[test]
    fn networks_are_taken_or_explained() {
        for (text, network_of_it) in [
            ("127.0.0.1", "127.0.0.1/32"),
            ("::1", "::1/128"),
            ("[::1]", "::1/128"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" 10.0.0.0/8", "10.0.0.0/8"),
        ] {
            assert_eq!(network(text).map(|network| network.to_string()).as_deref(), Ok(network_of_it));
        }
        for (text, hint) in [
            ("10.0.0.0/255.0.0.0", "write \"10.0.0.0/8\""),
            ("10.0.0.0/33", "0 to 32 bits"),
            ("::1/129", "0 to 128 bits"),
            ("10.0.0.1:80", "no port"),
            ("localhost", "write \"127.0.0.1/32\""),
            ("bogus", "write it like"),
            ("10.0.0.0/", "0 to 32 bits"),
            ("", "write it like"),
        ] {
            let said = network(text).expect_err(text);
            assert!(said.contains(hint), "{text}: {said}");
        }
    }
}
