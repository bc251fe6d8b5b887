// Package rpc is the gRPC service between agent and controller: method names,
// messages and a JSON codec, so that the contract stays plain Go types. It
// opens no connection itself. agent/session is the client, controller/fleet
// the server.
package rpc

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// EnrolRequest asks for a certificate: with a token for the first one, over
// a connection with a valid certificate for the next one.
type EnrolRequest struct {
	Node  string `json:"node"`
	Token string `json:"token,omitempty"`
	CSR   []byte `json:"csr"` // PKCS #10, DER
	// Identity is the public half of the agent's hybrid identity, as
	// hybrid.Public.Bytes gives it. Claim proves that who holds the key of the
	// CSR holds the identity too: hybrid.Identity.Claim.
	Identity []byte `json:"identity"`
	Claim    []byte `json:"claim"`
	// WireGuard is the public key of all lanes of the node: nodecfg.Peer says
	// why it needs no proof.
	WireGuard []byte `json:"wireguard"`
}

// EnrolReply carries the certificate, which binds the identity, and the
// authority that signed it, DER.
type EnrolReply struct {
	Certificate []byte `json:"certificate"`
	CA          []byte `json:"ca"`
}

// Server is what the controller does for agents.
type Server interface {
	Enrol(context.Context, *EnrolRequest) (*EnrolReply, error)
	Renew(context.Context, *EnrolRequest) (*EnrolReply, error)
	Session(grpc.BidiStreamingServer[nodecfg.FromAgent, nodecfg.ToAgent]) error
}

// Full method names.
const (
	service       = "keiro.v1.Agents"
	EnrolMethod   = "/" + service + "/Enrol"
	RenewMethod   = "/" + service + "/Renew"
	SessionMethod = "/" + service + "/Session"
)

// Register adds the service to a gRPC server.
func Register(s grpc.ServiceRegistrar, srv Server) { s.RegisterService(&desc, srv) }

// Enrol calls EnrolMethod or RenewMethod.
func Enrol(ctx context.Context, conn grpc.ClientConnInterface, method string, in *EnrolRequest) (*EnrolReply, error) {
	out := new(EnrolReply)
	return out, conn.Invoke(ctx, method, in, out, grpc.CallContentSubtype(codecName))
}

// Session opens the stream on which Configs come down and Reports go up.
func Session(ctx context.Context, conn grpc.ClientConnInterface) (grpc.BidiStreamingClient[nodecfg.FromAgent, nodecfg.ToAgent], error) {
	stream, err := conn.NewStream(ctx, &desc.Streams[0], SessionMethod, grpc.CallContentSubtype(codecName))
	if err != nil {
		return nil, err
	}
	return &grpc.GenericClientStream[nodecfg.FromAgent, nodecfg.ToAgent]{ClientStream: stream}, nil
}

var desc = grpc.ServiceDesc{
	ServiceName: service,
	HandlerType: (*Server)(nil),
	Methods: []grpc.MethodDesc{
		{MethodName: "Enrol", Handler: unary(EnrolMethod, Server.Enrol)},
		{MethodName: "Renew", Handler: unary(RenewMethod, Server.Renew)},
	},
	Streams: []grpc.StreamDesc{{
		StreamName: "Session", ServerStreams: true, ClientStreams: true,
		Handler: func(srv any, stream grpc.ServerStream) error {
			return srv.(Server).Session(&grpc.GenericServerStream[nodecfg.FromAgent, nodecfg.ToAgent]{ServerStream: stream})
		},
	}},
}

func unary(name string, call func(Server, context.Context, *EnrolRequest) (*EnrolReply, error)) grpc.MethodHandler {
	return func(srv any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		in := new(EnrolRequest)
		if err := dec(in); err != nil {
			return nil, err
		}
		handle := func(ctx context.Context, req any) (any, error) {
			return call(srv.(Server), ctx, req.(*EnrolRequest))
		}
		if interceptor == nil {
			return handle(ctx, in)
		}
		return interceptor(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: name}, handle)
	}
}

const codecName = "json"

type codec struct{}

func (codec) Name() string { return codecName }

func (codec) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

func (codec) Unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("agent message: %w", err)
	}
	return nil
}

func init() { encoding.RegisterCodec(codec{}) }
