package localaws

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/litentry/wallet-federation/internal/policy"
)

// TestEveryFieldIsKept fills every field of everything that is kept. Who adds a
// field to one of these types has to add it to its record in persist_*.go.
func TestEveryFieldIsKept(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	options := Options{Directory: filepath.Join(t.TempDir(), "account"), Now: func() time.Time { return now }}
	s := mustNew(t, options)
	f := &filler{}
	for name, part := range map[string]any{"directory": &s.state.directory, "keys": &s.state.keys, "sessions": &s.state.sessions} {
		f.fill(t, name, reflect.ValueOf(part).Elem())
	}
	f.fillReferences(s)
	f.fillStorage(t, s.storage)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustNew(t, options)
	defer mustClose(t, again)
	same := cmp.Options{
		cmpopts.EquateEmpty(),
		cmp.Exporter(func(reflect.Type) bool { return true }),
		// Their text is compared.
		cmp.Comparer(func(a, b *policy.Document) bool {
			return (a == nil) == (b == nil) && (a == nil || a.Kind() == b.Kind() && len(a.Statements) == len(b.Statements))
		}),
	}
	for name, compared := range map[string]struct{ saved, loaded any }{
		"directory": {s.state.directory, again.state.directory},
		"keys":      {s.state.keys, again.state.keys},
		"sessions":  {s.state.sessions, again.state.sessions},
		"buckets":   {s.storage.buckets, again.storage.buckets},
		"objects":   {s.storage.objects.buckets, again.storage.objects.buckets},
	} {
		if diff := cmp.Diff(compared.saved, compared.loaded, same); diff != "" {
			t.Errorf("%s (-saved +loaded):\n%s", name, diff)
		}
	}
}

// TestThereIsNoNewState fails when the state of the account gets another part, which
// somebody has to keep, or to list here as what a restart may forget.
func TestThereIsNoNewState(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		of   reflect.Type
		want []string
	}{
		{reflect.TypeFor[accountState](), []string{"directory", "keys", "sessions", "lag"}},
		{reflect.TypeFor[storage](), []string{"objects", "gofakes3", "protocol", "operations", "mu", "buckets"}},
		// A restart forgets the uploads in parts that are under way.
		{reflect.TypeFor[objectStore](), []string{"now", "mu", "buckets", "uploads"}},
	} {
		var got []string
		for field := range test.of.Fields() {
			got = append(got, field.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("fields of %s (-want +got):\n%s", test.of, diff)
		}
	}
}

// Evaluation relies on the policies that a role refers to.
func TestRoleWithoutItsPolicyIsRefused(t *testing.T) {
	t.Parallel()
	options := Options{Directory: filepath.Join(t.TempDir(), "account")}
	s := mustNew(t, options)
	if failure := setRole(t, s, "reader", ""); failure != nil {
		t.Fatal(failure)
	}
	broken := *s.state.roles["reader"]
	broken.attached = []string{"arn:aws:iam::aws:policy/None"}
	s.state.roles["reader"] = &broken
	mustClose(t, s)
	if _, err := New(options); err == nil || !strings.Contains(err.Error(), "policy/None, which does not exist") {
		t.Errorf("error %v", err)
	}
}

func mustNew(t *testing.T, options Options) *Server {
	t.Helper()
	s, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// filler sets fields, exported or not, to values that differ from each other.
type filler struct{ n int }

func (f *filler) text() string {
	f.n++
	return fmt.Sprintf("text-%d", f.n)
}

// fill sets v, which is reached by the path, and all that is below it.
func (f *filler) fill(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem() //nolint:gosec // to set what is not exported
	if f.fillKnown(t, path, v) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.text())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		f.n++
		v.SetInt(int64(f.n))
	case reflect.Uint8:
		f.n++
		v.SetUint(uint64(f.n % 256))
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(t, path, v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			f.fill(t, path, v.Index(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(t, path, v.Elem())
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		f.fill(t, path, entry)
		v.SetMapIndex(reflect.ValueOf(f.text()), entry)
	default:
		t.Fatalf("%s has a type that this test cannot fill: %s", path, v.Type())
	}
}

// fillKnown sets what not every value is good for.
func (f *filler) fillKnown(t *testing.T, path string, v reflect.Value) bool {
	t.Helper()
	switch target := v.Addr().Interface().(type) {
	case *time.Time:
		f.n++
		*target = time.Date(2100, time.January, 1, 0, 0, f.n, f.n, time.UTC)
	case *policyText:
		kind, text := policy.Identity, `{"Version":"2012-10-17","Statement":[{"Sid":"%s","Effect":"Allow","Action":"*","Resource":"*"}]}`
		if strings.HasPrefix(path, "sessions") {
			kind = policy.Session
		}
		if filepath.Ext(path) == ".trust" {
			kind, text = policy.Trust, `{"Version":"2012-10-17","Statement":[{"Sid":"%s","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:*"}]}`
		}
		f.n++
		parsed, err := parseText(kind, fmt.Sprintf(text, fmt.Sprintf("S%d", f.n)))
		if err != nil {
			t.Fatal(err)
		}
		*target = parsed
	case *bucketPolicy:
		document := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket"}]}`)
		parsed, err := policy.Parse(policy.Bucket, document)
		if err != nil {
			t.Fatal(err)
		}
		*target = bucketPolicy{bound: document, document: parsed, public: true}
	default:
		return false
	}
	return true
}

// fillReferences makes roles refer to policies that exist.
func (f *filler) fillReferences(s *Server) {
	a := &s.state
	for arn, p := range a.policies {
		if p.isBuiltin() {
			continue
		}
		for _, r := range a.roles {
			r.attached, r.boundary = []string{arn}, arn
		}
		for name, u := range a.users {
			if name != administrator { // who is kept as he is
				u.attached, u.boundary = []string{arn}, arn
			}
		}
		p.inForce = p.versions[0].number
	}
	for _, k := range a.keys {
		if k.id != s.options.AccessKeyID {
			k.configured = false
		}
	}
}

// fillStorage makes a bucket with an object of two versions.
func (f *filler) fillStorage(t *testing.T, st *storage) {
	t.Helper()
	f.fill(t, "buckets", reflect.ValueOf(&st.buckets).Elem())
	for name := range st.buckets {
		filled := &objectBucket{}
		f.fill(t, "objectBucket", reflect.ValueOf(filled).Elem())
		for key, versions := range filled.objects {
			for _, o := range versions {
				o.key = key
			}
		}
		st.objects.buckets[name] = filled
	}
}
