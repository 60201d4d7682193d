//! Servers that answer as they are told, without a JVM: `scylla-proxy` with nothing behind it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::Session;
use cqlstack_tests::cluster::{CQL, Lease};
use scylla::errors::DbError;
use scylla_proxy::{
    Condition, Node, Proxy, Reaction, RequestFrame, RequestOpcode, RequestReaction, RequestRule,
    ResponseFrame, ResponseOpcode, RunningProxy,
};
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// By which every prepared statement is known.
pub(crate) const ID: [u8; 16] = *b"0123456789abcdef";

/// Some forged nodes, and what is counted of the requests that they get.
pub(crate) struct Forged {
    proxy: RunningProxy,
    points: Vec<String>,
    _lease: Lease,
}

/// Requests that came, in order; those of the control connection are left out.
pub(crate) struct Frames(UnboundedReceiver<(RequestFrame, Option<u16>)>);

impl Frames {
    pub(crate) fn count(&mut self) -> usize {
        std::iter::from_fn(|| self.0.try_recv().ok()).count()
    }

    /// The body of the next one that came.
    pub(crate) fn next_body(&mut self) -> Vec<u8> {
        self.0.try_recv().unwrap().0.body.to_vec()
    }
}

/// Reads a body from its begin on.
pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl Reader<'_> {
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (bytes, rest) = self.0.split_first_chunk().unwrap();
        self.0 = rest;
        *bytes
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let [byte] = self.bytes();
        byte
    }

    pub(crate) fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }

    pub(crate) fn int(&mut self) -> i32 {
        i32::from_be_bytes(self.bytes())
    }

    pub(crate) fn long(&mut self) -> i64 {
        i64::from_be_bytes(self.bytes())
    }

    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }
}

impl Forged {
    pub(crate) async fn start(nodes: usize) -> Self {
        let lease = Lease::take(nodes).unwrap();
        let mut builder = Proxy::builder();
        let mut points = Vec::new();
        for node in 0..nodes {
            let address = (lease.address(node), CQL).into();
            points.push(format!("{address}"));
            let node = Node::builder().proxy_address(address).request_rules(rules(Vec::new()));
            builder = builder.with_node(node.build_dry_mode());
        }
        Self { proxy: builder.build().run().await.unwrap(), points, _lease: lease }
    }

    /// Every node answers executes, and they are kept.
    pub(crate) fn keep_executes(&mut self) -> Frames {
        let answer = RequestReaction::forge_response(Arc::new(|frame| void(&frame)));
        self.react(RequestOpcode::Execute, &answer)
    }

    /// Every node answers batches, and they are kept.
    pub(crate) fn keep_batches(&mut self) -> Frames {
        let answer = RequestReaction::forge_response(Arc::new(|frame| void(&frame)));
        self.react(RequestOpcode::Batch, &answer)
    }

    /// Every node answers prepares, and they are counted.
    pub(crate) fn count_prepares(&mut self) -> Frames {
        let answer = RequestReaction::forge_response(Arc::new(|frame| prepared(&frame)));
        self.react(RequestOpcode::Prepare, &answer)
    }

    /// Each node knows a statement by another id.
    pub(crate) fn prepare_differently(&mut self) {
        for (node, first) in self.proxy.running_nodes.iter_mut().zip(b'A'..) {
            let answer = RequestReaction::forge_response(Arc::new(move |frame| {
                let mut answer = prepared(&frame);
                let mut body = answer.body.to_vec();
                body[6] = first;
                answer.body = body.into();
                answer
            }));
            let prepare = Condition::RequestOpcode(RequestOpcode::Prepare);
            node.change_request_rules(Some(rules(vec![RequestRule(not_control(prepare), answer)])));
        }
    }

    /// Every node asks who is there, by an authenticator of this name, and believes nobody. What is answered
    /// is kept.
    pub(crate) fn ask_for_password(&mut self, authenticator: &'static str) -> Frames {
        let (frames, kept) = mpsc::unbounded_channel();
        let ask = RequestReaction::forge_response(Arc::new(move |frame: RequestFrame| {
            let length = u16::try_from(authenticator.len()).unwrap();
            let body = [&length.to_be_bytes()[..], authenticator.as_bytes()].concat();
            let opcode = ResponseOpcode::Authenticate;
            ResponseFrame::new(frame.params.for_response(), opcode, body.into())
        }));
        let refuse = RequestReaction::forge_with_error(DbError::AuthenticationError)
            .with_feedback_when_performed(frames);
        for node in &mut self.proxy.running_nodes {
            let opcode = Condition::RequestOpcode;
            node.change_request_rules(Some(rules(vec![
                RequestRule(opcode(RequestOpcode::Startup), ask.clone()),
                RequestRule(opcode(RequestOpcode::AuthResponse), refuse.clone()),
            ])));
        }
        Frames(kept)
    }

    pub(crate) fn points(&self) -> &[String] {
        &self.points
    }

    /// A session with all nodes, whose calls end after this time.
    pub(crate) async fn session(&self, attempt_timeout: Duration) -> Session {
        Session::builder()
            .contact_points(&self.points)
            .keepalive(Duration::from_secs(60), Duration::from_secs(60))
            .attempt_timeout(attempt_timeout)
            .build()
            .await
            .unwrap()
    }

    /// From now on every node reacts like this to requests of this kind.
    pub(crate) fn react(&mut self, to: RequestOpcode, reaction: &RequestReaction) -> Frames {
        let (frames, counted) = mpsc::unbounded_channel();
        for node in &mut self.proxy.running_nodes {
            let reaction = reaction.clone().with_feedback_when_performed(frames.clone());
            let rule = RequestRule(not_control(Condition::RequestOpcode(to)), reaction);
            node.change_request_rules(Some(rules(vec![rule])));
        }
        Frames(counted)
    }
}

fn not_control(condition: Condition) -> Condition {
    condition.and(Condition::not(Condition::ConnectionRegisteredAnyEvent))
}

/// What lets a session in, after rules that go first; every statement can be prepared.
fn rules(first: Vec<RequestRule>) -> Vec<RequestRule> {
    let forge = |answer: fn(RequestFrame) -> ResponseFrame| {
        RequestReaction::forge_response(Arc::new(answer))
    };
    let opcode = Condition::RequestOpcode;
    let rest = [
        RequestRule(
            opcode(RequestOpcode::Options),
            forge(|frame| ResponseFrame::forged_supported(frame.params, &HashMap::new()).unwrap()),
        ),
        RequestRule(
            opcode(RequestOpcode::Startup).or(opcode(RequestOpcode::Register)),
            forge(|frame| ResponseFrame::forged_ready(frame.params)),
        ),
        RequestRule(not_control(opcode(RequestOpcode::Prepare)), forge(|frame| prepared(&frame))),
        RequestRule(not_control(opcode(RequestOpcode::Execute)), forge(|frame| void(&frame))),
        RequestRule(Condition::True, RequestReaction::forge().server_error()),
    ];
    first.into_iter().chain(rest).collect()
}

/// The answer to a PREPARE of a statement without columns: with `?` in its text it has one marker, which is
/// the partition key `k int` of `ks.t`.
fn prepared(frame: &RequestFrame) -> ResponseFrame {
    let mut body = vec![0, 0, 0, 4, 0, 16];
    body.extend(ID);
    if frame.body.contains(&b'?') {
        body.extend([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
        for name in ["ks", "t", "k"] {
            body.extend([0, u8::try_from(name.len()).unwrap()]);
            body.extend(name.bytes());
        }
        body.extend([0, 9]);
    } else {
        body.extend([0; 12]);
    }
    body.extend([0, 0, 0, 4, 0, 0, 0, 0]);
    result(frame, body)
}

fn void(frame: &RequestFrame) -> ResponseFrame {
    result(frame, vec![0, 0, 0, 1])
}

fn result(frame: &RequestFrame, body: Vec<u8>) -> ResponseFrame {
    ResponseFrame::new(frame.params.for_response(), ResponseOpcode::Result, body.into())
}
