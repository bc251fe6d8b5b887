package fleet

import (
	"context"
	"crypto/x509"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/agent/nodecfg/rpc"
	"github.com/keiro-net/keiro/controller/pki"
)

// Enrol implements rpc.Server. It is the one call that needs no certificate.
func (f *Fleet) Enrol(ctx context.Context, in *rpc.EnrolRequest) (*rpc.EnrolReply, error) {
	remote, _ := caller(ctx)
	from := host(remote)
	if from == unixSocket {
		from += " " + claimed(in.Node) // all nodes of a lab dial the same socket
	}
	if f.failedEnrolments.spent(from) {
		return nil, status.Error(codes.ResourceExhausted, "too many failed enrolments: try again in a minute")
	}
	reply, err := f.enrol(ctx, in)
	if err != nil {
		err = f.refuse(ctx, claimed(in.Node), codes.PermissionDenied, err)
		if status.Code(err) == codes.PermissionDenied && f.failedEnrolments.take(from) {
			f.log.Warn("too many failed enrolments, refusing more for a minute", "remote", remote)
		}
		return nil, err
	}
	f.log.Info("agent enrolled", "node", in.Node, "remote", remote)
	return reply, nil
}

func (f *Fleet) enrol(ctx context.Context, in *rpc.EnrolRequest) (*rpc.EnrolReply, error) {
	token, err := rpc.ParseToken(in.Token)
	if err != nil {
		return nil, pki.Refusal("malformed token")
	}
	cert, err := f.authority.Enrol(ctx, token, in)
	if err != nil {
		return nil, err
	}
	return &rpc.EnrolReply{Certificate: cert, CA: f.authority.Certificate().Raw}, nil
}

// Renew implements rpc.Server.
func (f *Fleet) Renew(ctx context.Context, in *rpc.EnrolRequest) (*rpc.EnrolReply, error) {
	remote, cert := caller(ctx)
	if cert == nil {
		return nil, f.refuse(ctx, claimed(in.Node), codes.Unauthenticated, errNoCertificate)
	}
	node := cert.Subject.CommonName
	if in.Node != node {
		return nil, f.refuse(ctx, node, codes.PermissionDenied, pki.Refusal("renewal for another node, "+claimed(in.Node)))
	}
	next, err := f.authority.Renew(ctx, cert, in)
	if err != nil {
		return nil, f.refuse(ctx, node, codes.Unauthenticated, err)
	}
	f.log.Info("agent certificate renewed", "node", node, "remote", remote)
	return &rpc.EnrolReply{Certificate: next, CA: f.authority.Certificate().Raw}, nil
}

// Session implements rpc.Server.
func (f *Fleet) Session(stream grpc.BidiStreamingServer[nodecfg.FromAgent, nodecfg.ToAgent]) error {
	ctx := stream.Context()
	remote, cert := caller(ctx)
	if cert == nil {
		return f.refuse(ctx, "", codes.Unauthenticated, errNoCertificate)
	}
	agent, err := f.authority.Admit(ctx, cert)
	if err != nil {
		return f.refuse(ctx, cert.Subject.CommonName, codes.Unauthenticated, err)
	}
	node := agent.Node
	s := newSession(node, cert.NotAfter)
	f.place(s)
	defer f.dismiss(s)
	// Revoked after it was admitted and before it had its place, it would have
	// escaped Disconnect.
	if agent, err = f.authority.Admit(ctx, cert); err != nil {
		return f.refuse(ctx, node, codes.Unauthenticated, err)
	}
	f.events.Connected(agent)
	f.log.Info("agent connected", "node", node, "remote", remote)
	err = s.run(stream, f.events.Report)
	if refusal := pki.Refusal(""); errors.As(err, &refusal) {
		return f.refuse(ctx, node, codes.PermissionDenied, err)
	}
	f.log.Info("agent disconnected", "node", node, "remote", remote, "reason", reason(err))
	return err
}

const errNoCertificate = pki.Refusal("no certificate: enrol first")

// refuse logs why, and makes the error that the agent sees: of a fault of the
// controller's it sees only that there is one.
func (f *Fleet) refuse(ctx context.Context, node string, code codes.Code, err error) error {
	remote, _ := caller(ctx)
	var refusal pki.Refusal
	if !errors.As(err, &refusal) {
		f.log.Error("agent not answered", "node", node, "remote", remote, "reason", err.Error())
		return status.Error(codes.Unavailable, "the controller cannot answer at present, see its log")
	}
	f.log.Warn("agent refused", "node", node, "remote", remote, "reason", refusal.Error())
	return status.Error(code, refusal.Error())
}

// caller returns the address and the verified certificate, if there is one.
func caller(ctx context.Context) (remote string, cert *x509.Certificate) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", nil
	}
	remote = address(p.Addr)
	if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.VerifiedChains) > 0 {
		cert = info.State.PeerCertificates[0]
	}
	return remote, cert
}

// claimed shortens a name that nobody has proven.
func claimed(node string) string {
	if len(node) > 64 {
		return node[:64] + "..."
	}
	return node
}

func reason(err error) string {
	if err == nil {
		return "closed by the agent"
	}
	return status.Convert(err).Message()
}
