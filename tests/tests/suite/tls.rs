//! Encrypted connections and passwords, on nodes with certificates of all kinds.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cqlstack_core::{
    Client, Credentials, Error, ErrorClass, ErrorKind, Session, SessionBuilder, Tls, TlsFault,
};
use cqlstack_tests::cluster::{Cluster, PASSWORD, USER};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};

use crate::support::{run, scratch, shared_builder};

const SOON: Duration = Duration::from_secs(5);

/// Who signs certificates, and where they are kept.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let authority = Self { issuer, folder: folder.to_owned() };
        fs::write(authority.file(&format!("{name}.pem")), authority.issuer.pem()).unwrap();
        authority
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A certificate and its key, together in `name.pem` and the key alone in `name.key`.
    fn sign(&self, name: &str, addresses: impl Iterator<Item = Ipv4Addr>, year: i32) -> PathBuf {
        let mut params = CertificateParams::new(["cassandra.internal".to_owned()]).unwrap();
        let addresses = addresses.map(|address| SanType::IpAddress(IpAddr::V4(address)));
        params.subject_alt_names.extend(addresses);
        params.not_before = date_time_ymd(2_020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = self.file(&format!("{name}.pem"));
        fs::write(&path, format!("{}{}", key.serialize_pem(), certificate.pem())).unwrap();
        fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).unwrap();
        path
    }
}

/// Wherever a cluster of the tests may be.
fn addresses_of(node: u8) -> impl Iterator<Item = Ipv4Addr> {
    (0..=u8::MAX).map(move |third| Ipv4Addr::new(127, 100, third, node + 1))
}

/// How a node encrypts, as a line of its `cassandra.yaml`. The fixture itself talks to it as it is.
fn encryption(certificate: &Path, ca: &Path, wants_ours: bool) -> String {
    let (certificate, ca) = (certificate.display(), ca.display());
    format!(
        "{{enabled: true, optional: true, require_client_auth: {wants_ours}, keystore: '{certificate}', \
         truststore: '{ca}', ssl_context_factory: \
         {{class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}}}}"
    )
}

async fn refused(builder: SessionBuilder) -> Error {
    let began = Instant::now();
    let error = builder.build().await.unwrap_err();
    println!("after {:.2?}: {error}", began.elapsed());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(error.class(), ErrorClass::Permanent);
    assert!(!format!("{error} {error:?}").contains("hush"));
    error
}

#[tokio::test]
async fn every_certificate_and_password_that_is_wrong_is_told_at_once() {
    let folder = scratch("tls");
    let ca = Authority::new(&folder, "ca");
    let stranger = Authority::new(&folder, "stranger");
    let ca_file = ca.file("ca.pem");
    let good = ca.sign("good", addresses_of(0), 2_040);
    let expired = ca.sign("expired", addresses_of(1), 2_021);
    let elsewhere = ca.sign("elsewhere", [Ipv4Addr::new(127, 0, 0, 99)].into_iter(), 2_040);
    ca.sign("client", std::iter::empty(), 2_040);
    stranger.sign("intruder", std::iter::empty(), 2_040);
    let option = "client_encryption_options";
    let cluster = Cluster::builder()
        .nodes(3)
        .password_auth()
        .node_yaml(0, option, encryption(&good, &ca_file, true))
        .node_yaml(1, option, encryption(&expired, &ca_file, false))
        .node_yaml(2, option, encryption(&elsewhere, &ca_file, false))
        .start()
        .await
        .unwrap();
    let points = cluster.contact_points();
    let ours = |name: &str| {
        let tls = Tls::with_ca_file(&ca_file);
        tls.client_certificate(ca.file(&format!("{name}.pem")), ca.file(&format!("{name}.key")))
    };
    let to = |node: usize, tls: Tls| {
        Session::builder().contact_points(&points[node..=node]).user(USER, PASSWORD).tls(tls)
    };

    let session = to(0, ours("client")).build().await.unwrap();
    let db = Client::new(session);
    let clients = run(&db, "SELECT ssl_enabled, driver_name FROM system_views.clients").await;
    let encrypted = clients
        .rows::<(Option<bool>, Option<String>)>()
        .unwrap()
        .filter(|row| row.as_ref().is_ok_and(|(encrypted, _)| *encrypted == Some(true)));
    assert!(encrypted.count() >= 1, "it is encrypted");

    // Encrypted, a password may go to any address.
    let anywhere = to(0, ours("client")).trusted_addresses(|_| false);
    run(&Client::new(anywhere.build().await.unwrap()), "SELECT key FROM system.local").await;

    let fault = async |builder| match refused(builder).await.kind() {
        ErrorKind::Tls(fault) => *fault,
        kind => panic!("{kind:?}"),
    };
    assert_eq!(fault(to(1, ours("client"))).await, TlsFault::Expired);
    assert_eq!(fault(to(2, ours("client"))).await, TlsFault::OtherName);
    // Of the nodes that a good one told of, if all that it told of are wrong.
    let [first, second] = [0, 1].map(|node| cluster.node(node).unwrap().address());
    let learned = to(0, ours("client")).address_translation([(first, second)]);
    assert!(matches!(fault(learned).await, TlsFault::Expired | TlsFault::OtherName));
    let foreign = Tls::with_ca_file(ca.file("stranger.pem"));
    assert_eq!(fault(to(0, foreign)).await, TlsFault::UnknownIssuer);
    let without = Tls::with_ca_file(&ca_file);
    assert_eq!(fault(to(0, without)).await, TlsFault::ClientCertificate);
    assert_eq!(fault(to(0, ours("intruder"))).await, TlsFault::ClientCertificate);
    // By its name, whatever its address.
    to(2, Tls::with_ca_file(&ca_file).named("cassandra.internal")).build().await.unwrap();
    let other = Tls::with_ca_file(&ca_file).named("other.internal");
    assert_eq!(fault(to(2, other)).await, TlsFault::OtherName);

    // A node that does not encrypt is not spoken to.
    let plain = shared_builder().await.tls(Tls::with_ca_file(&ca_file));
    assert_eq!(fault(plain.user("ada", "hush")).await, TlsFault::NotTls);

    let wrong = to(0, ours("client")).user(USER, "hush-wrong");
    assert_eq!(*refused(wrong).await.kind(), ErrorKind::Authentication);
    let failing = to(0, ours("client")).credentials_from(|| Err("hush".into()));
    assert_eq!(*refused(failing).await.kind(), ErrorKind::NoCredentials);
    let provided = to(0, ours("client")).credentials_from(|| Ok(Credentials::new(USER, PASSWORD)));
    provided.build().await.unwrap();
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_file_that_is_missing_or_no_certificate_is_named() {
    let folder = scratch("tls-files");
    let junk = folder.join("junk.pem");
    fs::write(&junk, "no certificate").unwrap();
    let ca = Authority::new(&folder, "ca");
    let client = ca.sign("client", std::iter::empty(), 2_040);
    let good = || Tls::with_ca_file(ca.file("ca.pem"));
    for (tls, setting, name) in [
        (Tls::with_ca_file("/nowhere/ca.pem"), "tls.ca_file", "/nowhere/ca.pem"),
        (Tls::with_ca_file(&junk), "tls.ca_file", "junk.pem"),
        (good().client_certificate(&junk, &junk), "tls.client_certificate", "junk.pem"),
        (good().client_certificate(&client, &junk), "tls.client_key", "junk.pem"),
        (good().named("not a name!"), "tls.name", "tls.name"),
    ] {
        let builder = Session::builder().contact_points(["127.0.0.1:1"]).tls(tls);
        let error = refused(builder).await;
        let ErrorKind::InvalidConfig(invalid) = error.kind() else { panic!("{error}") };
        assert_eq!(invalid.setting, setting);
        assert!(error.to_string().contains(name), "{error}");
    }
    fs::remove_dir_all(folder).unwrap();
}
