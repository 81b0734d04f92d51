//! Gateways, routes, meshes and names.

use crate::readiness::custom::{
    peculiar::contour,
    row::{Row, row},
    step::{
        Outcome::{Busy, Failed, Ready, Unknown, Waiting},
        Step, Test, busy_if, busy_unless, each, fails_if, fails_unless, fails_unless_true, idle_if,
        ready_if, reason, says, settles, stored, summary,
    },
};

/// What a Gateway, its listeners and each parent of a route say of themselves.
///
/// See <https://gateway-api.sigs.k8s.io/geps/gep-1364/>.
const ATTACHED: &[Step] = &[
    Step::Ignore(Test::Unreferenced {
        reference: "/parentRef",
        among: "/spec/parentRefs",
    }),
    fails_unless("ResolvedRefs"),
    fails_if("Conflicted"),
    fails_unless("Accepted"),
    busy_unless("Programmed"),
    busy_unless("Accepted"),
    ready_if("Accepted"),
    ready_if("Programmed"),
];

/// What each gateway (ancestor) says of a policy. One that has nothing to do with the target says
/// nothing about it.
const POLICY: &[Step] = &[
    Step::Ignore(Test::Condition {
        kind: "Accepted",
        truths: &[crate::object::Truth::False],
        reasons: &["TargetNotFound"],
    }),
    Step::When(Test::NoCondition("Accepted"), Failed),
    fails_unless_true("ResolvedRefs"),
    fails_unless_true("Accepted"),
    ready_if("Accepted"),
];

/// Gloo writes its words as numbers too: 0 pending, 1 accepted, 2 rejected, 3 warning.
const GLOO: &[Step] = &[
    says("/state", &["Rejected", "2", "Warning", "3"], Failed),
    says("/state", &["Pending", "0"], Waiting),
    says("/state", &["Accepted", "1"], Ready),
];

/// Gloo puts the words below `statuses`, one for each of its namespaces, or, if it is an old one,
/// into the status itself.
const OF_GLOO: &[Step] = &[
    each("/status/statuses", GLOO),
    Step::Inside {
        at: "/status",
        steps: GLOO,
    },
];

pub(super) const ROWS: &[Row] = &[
    row(
        "gateway.networking.k8s.io",
        &["GatewayClass"],
        &[summary("Accepted")],
    ),
    row(
        "gateway.networking.k8s.io",
        &["Gateway"],
        &[
            fails_unless("ResolvedRefs"),
            fails_unless("Accepted"),
            busy_unless("Programmed"),
            busy_unless("Accepted"),
            each("/status/listeners", NOT_READY_LISTENER),
            ready_if("Programmed"),
            ready_if("Accepted"),
        ],
    ),
    row(
        "gateway.networking.k8s.io",
        &["*Route"],
        &[each("/status/parents", ATTACHED)],
    ),
    row(
        "gateway.networking.k8s.io",
        &["*Policy"],
        &[each("/status/ancestors", POLICY)],
    ),
    row(
        "gateway.networking.k8s.io",
        &["ReferenceGrant"],
        &[stored()],
    ),
    row(
        "microgateway.airlock.com",
        &["*Policy"],
        &[each("/status/ancestors", POLICY)],
    ),
    row("microgateway.airlock.com", &[], &[stored()]),
    // Older definitions have no status subresource, and the status is written all the same.
    row(
        "gateway.solo.io",
        &[
            "Gateway",
            "ListenerOption",
            "MatchableHttpGateway",
            "RouteOption",
            "RouteTable",
            "VirtualHostOption",
            "VirtualService",
        ],
        OF_GLOO,
    ),
    row(
        "gloo.solo.io",
        &["Proxy", "Settings", "Upstream", "UpstreamGroup"],
        OF_GLOO,
    ),
    row("gateway.solo.io", &[], OF_GLOO),
    row("gloo.solo.io", &[], OF_GLOO),
    row(
        "projectcontour.io",
        &["HTTPProxy"],
        &[
            Step::Own(contour::includes),
            summary("Valid"),
            says("/status/currentStatus", &["valid"], Ready),
            says("/status/currentStatus", &["invalid"], Failed),
        ],
    ),
    row(
        "projectcontour.io",
        &["ExtensionService"],
        &[summary("Valid")],
    ),
    // Its agents wrote a status until 1.15; today only what is wrong with a policy is written.
    row(
        "cilium.io",
        &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"],
        &[fails_unless("Valid"), stored()],
    ),
    row(
        "networking.istio.io",
        &[],
        &[fails_unless("Reconciled"), stored()],
    ),
    row(
        "security.istio.io",
        &[],
        &[fails_unless("Reconciled"), stored()],
    ),
    row(
        "telemetry.istio.io",
        &[],
        &[fails_unless("Reconciled"), stored()],
    ),
    row(
        "extensions.istio.io",
        &[],
        &[fails_unless("Reconciled"), stored()],
    ),
    row(
        "install.istio.io",
        &["IstioOperator"],
        &[
            says("/status/status", &["HEALTHY", "3"], Ready),
            says("/status/status", &["ERROR", "4"], Failed),
            says(
                "/status/status",
                &["UPDATING", "1", "RECONCILING", "2"],
                Busy,
            ),
            says("/status/status", &["NONE", "0"], Unknown),
        ],
    ),
    row(
        "sailoperator.io",
        &["Istio", "IstioRevision", "IstioCNI", "ZTunnel"],
        &[fails_unless("Reconciled"), summary("Ready")],
    ),
    row(
        "traefik.io",
        &[
            "IngressRoute",
            "IngressRouteTCP",
            "IngressRouteUDP",
            "Middleware",
            "MiddlewareTCP",
            "TLSOption",
            "TLSStore",
            "TraefikService",
            "ServersTransport",
        ],
        &[stored()],
    ),
    row(
        "route.openshift.io",
        &["Route"],
        &[each("/status/ingress", &[summary("Admitted")])],
    ),
    row(
        "nmstate.io",
        &["NodeNetworkConfigurationPolicy"],
        &[
            fails_if("Degraded"),
            busy_if("Progressing"),
            idle_if("Ignored"),
            settles("Available"),
        ],
    ),
    row(
        "proclaim.dogmatiq.io",
        &["DNSSDServiceInstance"],
        &[
            fails_unless("Adopted"),
            reason(
                "Advertised",
                &["AdvertiseError", "UnadvertiseError"],
                Failed,
            ),
            reason("Discoverable", &["DiscoveryError"], Unknown),
            ready_if("Discoverable"),
        ],
    ),
];

const NOT_READY_LISTENER: &[Step] = &[
    fails_unless("ResolvedRefs"),
    fails_unless("Accepted"),
    fails_if("Conflicted"),
    busy_unless("Programmed"),
];
