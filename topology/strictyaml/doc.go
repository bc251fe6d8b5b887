// Package strictyaml reads YAML 1.2 and JSON documents strictly: unknown keys,
// duplicate keys, wrong types and bad units are errors, and all of them are
// reported at once, each with file, line and path. It also writes documents
// back. It is pure, and no type of the YAML library leaves it. topology,
// pathspec and clab read their files with it.
package strictyaml
