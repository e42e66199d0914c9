package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deeply objects and lists may nest. The grammar needs six
// levels: document, statements, statement, condition, operator, values.
const maxDepth = 8

// nodeKind is the JSON type of a node.
type nodeKind int

const (
	nullNode nodeKind = iota
	stringNode
	numberNode
	boolNode
	listNode
	objectNode
)

// String returns the name that people know the JSON type by.
func (k nodeKind) String() string {
	return [...]string{"null", "a string", "a number", "a boolean", "a list", "an object"}[k]
}

// node is a JSON value in which nothing of the source is lost: the order of
// members, and the spelling of numbers.
type node struct {
	kind    nodeKind
	text    string // of a string, number or boolean
	items   []node
	members []member
}

// member is a name and its value in an object.
type member struct {
	name  string
	value node
}

// decodeJSON reads document, which must be exactly one JSON value in UTF-8, with
// no member twice in an object.
func decodeJSON(document []byte) (node, error) {
	if !utf8.Valid(document) {
		return node{}, syntaxErrorf("", "document is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	root, err := decodeValue(dec, "", 0)
	if err != nil {
		return node{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return node{}, syntaxErrorf("", "document goes on after its end at byte %d", dec.InputOffset())
	}
	return root, nil
}

func decodeValue(dec *json.Decoder, path string, depth int) (node, error) {
	token, err := dec.Token()
	if err != nil {
		return node{}, jsonError(dec, path, err)
	}
	switch t := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return node{}, syntaxErrorf(path, "nested deeper than %d levels", maxDepth)
		}
		if t == '[' {
			return decodeList(dec, path, depth)
		}
		return decodeObject(dec, path, depth)
	case string:
		return decodeString(path, t)
	case json.Number:
		return node{kind: numberNode, text: t.String()}, nil
	case bool:
		return node{kind: boolNode, text: strconv.FormatBool(t)}, nil
	default:
		return node{kind: nullNode}, nil
	}
}

// decodeString refuses the replacement character, which is what the decoder
// makes of half a surrogate pair: such a string would not mean what it says.
func decodeString(path, s string) (node, error) {
	if strings.ContainsRune(s, utf8.RuneError) {
		return node{}, syntaxErrorf(path, "string holds an invalid Unicode character")
	}
	return node{kind: stringNode, text: s}, nil
}

func decodeList(dec *json.Decoder, path string, depth int) (node, error) {
	list := node{kind: listNode}
	for dec.More() {
		item, err := decodeValue(dec, indexPath(path, len(list.items)), depth+1)
		if err != nil {
			return node{}, err
		}
		list.items = append(list.items, item)
	}
	if _, err := dec.Token(); err != nil {
		return node{}, jsonError(dec, path, err)
	}
	return list, nil
}

func decodeObject(dec *json.Decoder, path string, depth int) (node, error) {
	object := node{kind: objectNode}
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return node{}, jsonError(dec, path, err)
		}
		name, ok := token.(string)
		if !ok {
			return node{}, syntaxErrorf(path, "member name at byte %d is not a string", dec.InputOffset())
		}
		if seen[name] {
			return node{}, syntaxErrorf(memberPath(path, name), "member appears twice")
		}
		seen[name] = true
		value, err := decodeValue(dec, memberPath(path, name), depth+1)
		if err != nil {
			return node{}, err
		}
		object.members = append(object.members, member{name: name, value: value})
	}
	if _, err := dec.Token(); err != nil {
		return node{}, jsonError(dec, path, err)
	}
	return object, nil
}

func jsonError(dec *json.Decoder, path string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return syntaxErrorf(path, "document ends too early")
	}
	return syntaxErrorf(path, "not JSON at byte %d: %v", dec.InputOffset(), err)
}

func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// memberPath returns the path of a member. Long names are cut, which bounds the
// work that a document of many values below one makes.
func memberPath(path, name string) string {
	if path == "" {
		return shorten(name)
	}
	return path + "." + shorten(name)
}

// want returns an error unless n is of the given kind.
func (n *node) want(kind nodeKind, path string) error {
	if n.kind != kind {
		return syntaxErrorf(path, "must be %v, not %v", kind, n.kind)
	}
	return nil
}

// stringList returns the strings of n, which is a string or a non-empty list of
// strings.
func (n *node) stringList(path string) ([]string, error) {
	if n.kind == stringNode {
		return []string{n.text}, nil
	}
	if n.kind != listNode {
		return nil, syntaxErrorf(path, "must be a string or a list of strings, not %v", n.kind)
	}
	if len(n.items) == 0 {
		return nil, syntaxErrorf(path, "must not be empty")
	}
	list := make([]string, 0, len(n.items))
	for i := range n.items {
		if err := n.items[i].want(stringNode, indexPath(path, i)); err != nil {
			return nil, err
		}
		list = append(list, n.items[i].text)
	}
	return list, nil
}

// syntaxErrorf makes an error about the element at path. What it quotes of the
// document is cut where it is long.
func syntaxErrorf(path, format string, args ...any) *SyntaxError {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = shorten(text)
		}
	}
	return &SyntaxError{Path: path, Message: fmt.Sprintf(format, args...)}
}
