//! The ports that are needed: free, or a sentence that says what to do.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
};

use crate::Error;

/// A port that a program will take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    pub number: u16,
    /// Who may have it, and what to do.
    pub advice: &'static str,
}

/// Checks that each of `ports` can be taken. They are given back at once, so that between this and a program's start
/// somebody else can take one; the program says so then.
pub(crate) fn check(ports: impl IntoIterator<Item = Port>) -> Result<(), Error> {
    for Port { number, advice } in ports {
        // What else may be wrong with a port, its program says better.
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, number))
            && error.kind() == ErrorKind::AddrInUse
        {
            return Err(Error::PortInUse { port: number, advice });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named_with_what_to_do() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = taken.local_addr().unwrap().port();
        let port = Port { number, advice: "by a test: end it" };
        assert_eq!(check([port]).unwrap_err().to_string(), format!("port {number} is in use, by a test: end it"));
        drop(taken);
        check([port]).unwrap();
    }
}
