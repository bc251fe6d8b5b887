package api

import (
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
)

func openAPIConfig() huma.Config {
	cfg := huma.DefaultConfig("Keiro controller", "v1")
	cfg.Info.Description = "Declare what paths must be, and see what became of it. " +
		"Errors are RFC 9457 problems; `errors[].location` is `file:line: path` of what is wrong in a document."
	cfg.CreateHooks = nil // no $schema in answers
	cfg.OpenAPIPath = ""  // served by us, as it must not change between requests
	cfg.DocsPath = ""     // its page would load scripts from elsewhere
	cfg.SchemasPath = ""
	// Answers may gain fields under the same version. Requests say otherwise.
	cfg.AllowAdditionalPropertiesByDefault = true
	cfg.RejectUnknownQueryParameters = true
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	cfg.Security = []map[string][]string{{"bearer": {}}}
	return cfg
}

// openAPIDocument renders the document. huma has no way to say that a
// reference may be null, so that is said here.
func openAPIDocument(api huma.API) ([]byte, error) {
	schemas := api.OpenAPI().Components.Schemas.Map()
	for schema, fields := range map[string][]string{
		"Answer": {"margin", "reserve", "why"},
	} {
		for _, field := range fields {
			property := schemas[schema].Properties[field]
			if property == nil || property.Ref == "" {
				return nil, fmt.Errorf("openapi: %s.%s is no reference any more", schema, field)
			}
			schemas[schema].Properties[field] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}}}
		}
	}
	document, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return document, nil
}
