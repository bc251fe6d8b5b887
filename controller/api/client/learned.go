package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/keiro-net/keiro/controller/api/resource"
)

// Peers lists the routers that the controller holds BGP sessions with.
func (c *Client) Peers(ctx context.Context) (*resource.Peers, error) {
	return call[*resource.Peers](ctx, c, http.MethodGet, v1+"peers", nil)
}

// Peer returns one of them.
func (c *Client) Peer(ctx context.Context, name string) (*resource.Peer, error) {
	return call[*resource.Peer](ctx, c, http.MethodGet, v1+"peers/"+url.PathEscape(name), nil)
}

// Link returns one link, and where each of its values comes from.
func (c *Client) Link(ctx context.Context, name string) (*resource.LinkDetail, error) {
	return call[*resource.LinkDetail](ctx, c, http.MethodGet, v1+"links/"+url.PathEscape(name), nil)
}

// Node returns one node, and where each of its values comes from.
func (c *Client) Node(ctx context.Context, name string) (*resource.NodeDetail, error) {
	return call[*resource.NodeDetail](ctx, c, http.MethodGet, nodePath(name), nil)
}

// Learned returns what routers say of the topology.
func (c *Client) Learned(ctx context.Context) (*resource.Learned, error) {
	return call[*resource.Learned](ctx, c, http.MethodGet, v1+"topology/learned/objects", nil)
}

// LearnedTopology returns the same as a document of a name to start a file from,
// as JSON or as YAML. It is refused where nothing is learned.
func (c *Client) LearnedTopology(ctx context.Context, name string, asYAML bool) ([]byte, error) {
	return c.document(ctx, "topology/learned?"+url.Values{"name": {name}}.Encode(), asYAML)
}

// document reads one that the API gives as JSON or as YAML.
func (c *Client) document(ctx context.Context, path string, asYAML bool) ([]byte, error) {
	r, err := c.request(ctx, http.MethodGet, v1+path, "", nil)
	if err != nil {
		return nil, err
	}
	if asYAML {
		r.Header.Set("Accept", "application/yaml")
	}
	text, _, err := c.read(r)
	return text, err
}
