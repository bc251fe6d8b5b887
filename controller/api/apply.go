package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keiro-net/keiro/controller/api/resource"
)

const maxDocuments = 1000 // parts of one multipart body

// huma does not look into embedded types that are not exported, so what
// inputs have in common stands in each.
type diffInput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/yaml"`
}

type applyInput struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/yaml"`
	DryRun      bool   `query:"dryRun" doc:"Validate and answer, change nothing"`
	IfMatch     string `header:"If-Match" doc:"Generation of the declared state, in quotes"`
	Confirm     string `query:"confirm" doc:"Take the change back after this Go duration, from 1s to 24h, unless it is confirmed" example:"5m"`
}

type body[T any] struct {
	Body T
}

func (s *Server) registerApply() {
	op := func(id, path, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, Tags: []string{"declare"},
			RequestBody:  documentsBody(),
			MaxBodyBytes: maxApplyBytes, BodyReadTimeout: bodyTimeout, SkipValidateBody: true,
			Middlewares: s.slot(s.applies, "applies"),
		}
	}
	huma.Register(s.api, op("apply", "/api/v1/apply", "Declare objects, all or none"),
		func(ctx context.Context, in *applyInput) (*body[*resource.Applied], error) {
			generation, err := parseETag(in.IfMatch)
			if err != nil {
				return nil, err
			}
			confirm, err := duration("confirm", in.Confirm, "5m")
			if err != nil {
				return nil, err
			}
			docs, err := documents(in.ContentType, in.RawBody)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			applied, err := s.Backend.Apply(ctx, resource.Apply{Documents: docs, DryRun: in.DryRun, IfGeneration: generation, Confirm: confirm})
			return &body[*resource.Applied]{applied}, s.problem(ctx, err)
		})
	huma.Register(s.api, op("diff", "/api/v1/diff", "Say what apply would change"),
		func(ctx context.Context, in *diffInput) (*body[*resource.Diff], error) {
			docs, err := documents(in.ContentType, in.RawBody)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			diff, err := s.Backend.Diff(ctx, docs)
			return &body[*resource.Diff]{diff}, s.problem(ctx, err)
		})
}

// documentsBody describes the body of apply and diff. Its text is read by the
// Backend, which knows better what is wrong with it than a schema.
func documentsBody() *huma.RequestBody {
	stream := &huma.Schema{Type: "string", Format: "binary"}
	return &huma.RequestBody{
		Description: "Topology and PathIntent documents: a stream of YAML or JSON documents, or the files by their names",
		Content: map[string]*huma.MediaType{
			"application/yaml": {Schema: stream},
			"application/json": {Schema: stream},
			"multipart/form-data": {Schema: &huma.Schema{
				Type: "object", Properties: map[string]*huma.Schema{"file": {Type: "array", Items: stream}},
			}},
		},
	}
}

// documents splits a body into what the operator wrote as one file each.
func documents(contentType string, body []byte) ([]resource.Document, error) {
	if contentType == "" {
		contentType = "application/yaml"
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, huma.Error400BadRequest(fmt.Sprintf("bad Content-Type %q: %v", contentType, err))
	}
	switch media {
	case "application/yaml", "application/x-yaml", "text/yaml", "application/json":
		// The buffer behind the body is used again after the request.
		return []resource.Document{{Name: "body", Data: bytes.Clone(body)}}, nil
	case "multipart/form-data":
		return parts(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	}
	return nil, huma.Error415UnsupportedMediaType(fmt.Sprintf(
		"Content-Type %q: want application/yaml, application/json or multipart/form-data", media))
}

// parts reads the files of a form, as `curl -F file=@jp.yaml` sends them.
func parts(r *multipart.Reader) ([]resource.Document, error) {
	var docs []resource.Document
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) && len(docs) > 0 {
			return docs, nil
		}
		if err != nil {
			return nil, huma.Error400BadRequest("bad multipart body: " + err.Error())
		}
		if len(docs) == maxDocuments {
			return nil, huma.Error400BadRequest(fmt.Sprintf("bad multipart body: more than %d parts", maxDocuments))
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, huma.Error400BadRequest("bad multipart body: " + err.Error())
		}
		docs = append(docs, resource.Document{Name: partName(part), Data: data})
	}
}

// partName is the file name of a part with its directories, which
// Part.FileName takes away. It is for messages only.
func partName(part *multipart.Part) string {
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, params["filename"])
	if name == "" || len(name) > 1024 {
		return "body"
	}
	return name
}

// etag is the generation as an entity tag, RFC 9110 section 8.8.3.
func etag(generation uint64) string { return fmt.Sprintf(`"%d"`, generation) }

// yamlTag tells the YAML form of the same generation apart.
const yamlTag = "-yaml"

// parseETag reads the generation from an If-Match field; 0 is any.
func parseETag(field string) (uint64, error) {
	if field == "" || field == "*" {
		return 0, nil
	}
	generation, err := strconv.ParseUint(strings.TrimSuffix(strings.Trim(field, `"`), yamlTag), 10, 64)
	if err != nil || generation == 0 {
		return 0, huma.Error400BadRequest(fmt.Sprintf("bad If-Match %q: want the ETag of an earlier answer, such as \"42\"", field))
	}
	return generation, nil
}
