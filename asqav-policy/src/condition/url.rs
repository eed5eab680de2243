//! Hosts of URLs in their plain form. Readers of URLs disagree (RFC 3986, the
//! WHATWG standard, and what each library makes of them), and a condition must
//! not see another host than the tool will call: whatever is not read the same
//! way by all of them is not read here.

/// The host of a plain URL, in the case it is written in.
pub(super) fn host(url: &str) -> Option<&str> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !["http", "https", "ws", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.split_once(':') {
        Some((host, port)) if is_port(port) => host,
        Some(_) => return None,
        None => authority,
    };
    is_host(host).then_some(host)
}

/// A host in lower case, or `*.` and a host name.
pub(super) fn is_host_pattern(pattern: &str) -> bool {
    let lower = !pattern.bytes().any(|byte| byte.is_ascii_uppercase());
    lower
        && match pattern.strip_prefix("*.") {
            Some(domain) => is_host(domain) && !ends_in_number(domain),
            None => is_host(pattern),
        }
}

/// Whether `host` is the host that `pattern` names, or one under its domain.
/// Case does not matter (RFC 3986 §3.2.2).
pub(super) fn host_matches(host: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(dot_domain) => host
            .len()
            .checked_sub(dot_domain.len())
            .filter(|&label| label > 0)
            .and_then(|label| host.get(label..))
            .is_some_and(|end| end.eq_ignore_ascii_case(dot_domain)),
        None => host.eq_ignore_ascii_case(pattern),
    }
}

fn is_port(port: &str) -> bool {
    (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(label) && (!ends_in_number(host) || is_ipv4(host))
}

/// Such hosts are IPv4 addresses to some readers, in octal, hexadecimal or
/// with parts left out (WHATWG URL §3.5).
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let digits = |text: &str, radix| text.chars().all(|c| c.is_digit(radix));
    digits(last, 10)
        || last
            .strip_prefix(['0'])
            .and_then(|rest| rest.strip_prefix(['x', 'X']))
            .is_some_and(|rest| digits(rest, 16))
}

/// Four decimal numbers without leading zeros.
fn is_ipv4(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.to_string() == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_urls_have_a_host() {
        for (url, expected) in [
            ("https://example.com", "example.com"),
            ("HTTPS://Example.COM:443/a?b#c", "Example.COM"),
            ("http://example.com?x=@evil.example", "example.com"),
            ("http://example.com#@evil.example", "example.com"),
            ("wss://a-b.example.com/", "a-b.example.com"),
            ("http://127.0.0.1:8080/", "127.0.0.1"),
            ("http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ] {
            assert_eq!(host(url), Some(expected), "{url}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_not_read() {
        for url in [
            "",
            "example.com",
            "//example.com",
            "https:example.com",
            "https:/example.com",
            "https:///example.com",
            "https://",
            "ftp://example.com",
            "file:///etc/passwd",
            "javascript://example.com/%0aalert(1)",
            "https://user@example.com",
            "https://example.com@evil.example",
            "https://example.com:80@evil.example",
            "https://example.com\\@evil.example",
            "https://evil.example\\.example.com",
            "https://example.com:",
            "https://example.com:port",
            "https://example.com:443:1",
            "https://example.com.",
            "https://.example.com",
            "https://a..example.com",
            "https://exa%6dple.com",
            "https://example。com",
            "https://exämple.com",
            "https://example.com\t.evil.example",
            " https://example.com",
            "https://example.com\n",
            "https://[::1]/",
            "http://127.1/",
            "http://0177.0.0.1/",
            "http://0x7f.0.0.1/",
            "http://0x7f000001/",
            "http://0X7F000001/",
            "http://2130706433/",
            "http://127.0.0.01/",
            "http://256.0.0.1/",
        ] {
            assert_eq!(host(url), None, "{url:?}");
        }
    }

    #[test]
    fn a_star_stands_for_subdomains_only() {
        assert!(host_matches("a.example.com", "*.example.com"));
        assert!(host_matches("a.b.example.com", "*.example.com"));
        assert!(host_matches("A.b.Example.COM", "*.example.com"));
        assert!(host_matches("Example.COM", "example.com"));
        assert!(!host_matches("example.com", "*.example.com"));
        assert!(!host_matches("evilexample.com", "*.example.com"));
        assert!(!host_matches("example.com.evil.example", "*.example.com"));
        assert!(!host_matches("a.example.com", "example.com"));
        for wrong in [
            "",
            "*",
            "*.",
            "*.*.com",
            "a.*.com",
            "*.1",
            "*.0x7f",
            "Example.com",
            "example.com:80",
            "a/b",
            "127.1",
        ] {
            assert!(!is_host_pattern(wrong), "{wrong}");
        }
    }
}
