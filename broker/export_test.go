package broker

import (
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// AnonymousBurst is how many refusals without a wallet are written at once.
const AnonymousBurst = anonymousBurst

// Paths returns the paths that the server has.
func (s *Server) Paths() []string { return slices.Sorted(maps.Keys(s.routes)) }

// Gather returns what a scrape would.
func (s *Server) Gather() ([]*dto.MetricFamily, error) { return s.metrics.registry.Gather() }

// NoteReload is what a [Source] reports.
func (s *Server) NoteReload(part string, err error) { s.noteReload(part, err) }

// Parts are the parts of the state.
func Parts() []string {
	return []string{partConfig, partKeys, partSessionKeys, partLists, partRedis, partCertificate, partTogether}
}
