package router

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// RIB is what a router has learned: SR Policies and colored routes.
type RIB struct {
	Candidates []Candidate
	Routes     []Colored
}

// ReadRIB asks the gobgp that listens on a unix socket.
func ReadRIB(ctx context.Context, socket string) (RIB, error) {
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return RIB{}, err
	}
	defer conn.Close()
	client := api.NewGoBgpServiceClient(conn)
	var rib RIB
	for _, f := range families {
		if f == bgp.RF_LS {
			continue
		}
		stream, err := client.ListPath(ctx, &api.ListPathRequest{TableType: api.TableType_TABLE_TYPE_GLOBAL, Family: apiutil.ToApiFamily(f.Afi(), f.Safi())})
		if err != nil {
			return RIB{}, fmt.Errorf("ask gobgp at %s: %w", socket, err)
		}
		for {
			answer, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return RIB{}, fmt.Errorf("ask gobgp at %s: %w", socket, err)
			}
			for _, p := range answer.Destination.Paths {
				if err := rib.add(p); err != nil {
					return RIB{}, fmt.Errorf("what gobgp at %s says: %w", socket, err)
				}
			}
		}
	}
	rib.sort()
	return rib, nil
}

func (r *RIB) add(p *api.Path) error {
	nlri, err := apiutil.GetNativeNlri(p)
	if err != nil {
		return err
	}
	attrs, err := apiutil.GetNativePathAttributes(p)
	if err != nil {
		return err
	}
	if c, ok := candidate(nlri, attrs); ok {
		r.Candidates = append(r.Candidates, c)
	} else if c, ok := colored(nlri, attrs); ok {
		r.Routes = append(r.Routes, c)
	}
	return nil
}

func (r *RIB) sort() {
	slices.SortFunc(r.Candidates, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Color, b.Color), a.Endpoint.Compare(b.Endpoint), cmp.Compare(b.Preference, a.Preference), cmp.Compare(a.Distinguisher, b.Distinguisher))
	})
	slices.SortFunc(r.Routes, func(a, b Colored) int {
		return cmp.Or(bytes.Compare(a.Prefix.Addr().AsSlice(), b.Prefix.Addr().AsSlice()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
}

// String is the RIB for people, a line for each segment list and each route.
func (r *RIB) String() string {
	var b strings.Builder
	for _, c := range r.Candidates {
		fmt.Fprintf(&b, "policy color %d endpoint %v\n  candidate path %d preference %d %s\n", c.Color, c.Endpoint, c.Distinguisher, c.Preference, c.Name)
		for _, l := range c.Lists {
			fmt.Fprintf(&b, "    weight %d segments %s\n", l.Weight, join(l.Segments))
		}
	}
	for _, c := range r.Routes {
		fmt.Fprintf(&b, "route %v next hop %v colors %v", c.Prefix, c.NextHop, c.Colors)
		if c.Service.IsValid() {
			fmt.Fprintf(&b, " service SID %v", c.Service)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
