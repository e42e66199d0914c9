package api_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// root is the folder of the module, seen from this package.
var root = filepath.Join("..", "..")

// manifestPaths returns the YAML files in a folder of the module and below it,
// but for kustomize's own. Specs are declared with it, where nothing may fail
// yet: of a folder that cannot be read it returns nothing.
func manifestPaths(folder string) []string {
	var paths []string
	_ = filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".yaml" && entry.Name() != "kustomization.yaml" {
			paths = append(paths, path)
		}
		return err
	})
	return paths
}

// entries makes a table entry of every path.
func entries(paths []string) []TableEntry {
	var table []TableEntry
	for _, path := range paths {
		name := filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
		table = append(table, Entry(name, path))
	}
	return table
}

// The keys of a manifest's header: the field that is refused, and why.
const (
	fieldKey = "field"
	ruleKey  = "rule"
)

// manifest is a YAML file: its objects, and the "# key: value" lines on its top.
type manifest struct {
	header  map[string]string
	objects []*unstructured.Unstructured
}

func readManifest(path string) manifest {
	GinkgoHelper()
	content, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	m := manifest{header: readHeader(string(content))}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			Expect(m.objects).NotTo(BeEmpty(), path)
			return m
		}
		Expect(err).NotTo(HaveOccurred(), path)
		object := &unstructured.Unstructured{}
		Expect(yaml.UnmarshalStrict(document, &object.Object)).To(Succeed(), path)
		m.objects = append(m.objects, object)
	}
}

func readHeader(content string) map[string]string {
	header := map[string]string{}
	for line := range strings.Lines(content) {
		comment, found := strings.CutPrefix(line, "# ")
		if !found {
			break
		}
		key, value, _ := strings.Cut(strings.TrimSpace(comment), ": ")
		header[key] = value
	}
	return header
}
