package localaws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// nobody is the trust policy of a role whose own is not yet in force.
const nobody = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}}`

// Seed makes what a seed file describes: providers, managed policies, roles, and
// buckets with objects. The file is YAML or JSON of at most 1 MiB;
// config/localaws/seed.yaml shows what it can say. The order of its entries does
// not matter.
//
// A seed is for a first start. What exists already is left as it is, whatever the
// file says of it, so that seeding twice does no more than seeding once.
//
// Everything goes through the operations that a client would call, as the
// administrator: what they refuse is an error, which tells their code and where
// it is in the file, such as roles[2].trustPolicy. After an error, nothing of the
// seed is left. The calls are not logged, and the fault hook does not see them.
func (s *Server) Seed(ctx context.Context, r io.Reader) error {
	file, err := readSeed(r)
	if err != nil {
		return fmt.Errorf("reading seed: %w", err)
	}
	p := &planter{server: s}
	if err = p.plant(ctx, file); err != nil {
		p.uproot()
		err = fmt.Errorf("seeding %w", err)
	}
	if s.keeper != nil {
		err = errors.Join(err, s.keeper.save(s))
	}
	return err
}

// planter makes what a seed describes.
type planter struct {
	server *Server
	undo   []func()
}

func (p *planter) plant(ctx context.Context, file *seed) error {
	for i := range file.providers {
		if err := p.provider(ctx, at("providers", i), &file.providers[i]); err != nil {
			return err
		}
	}
	for i := range file.policies {
		if err := p.policy(ctx, at("managedPolicies", i), &file.policies[i]); err != nil {
			return err
		}
	}
	if err := p.roles(ctx, file.roles); err != nil {
		return err
	}
	p.settle() // or a bucket policy could not name the roles yet
	for i := range file.buckets {
		if err := p.bucket(ctx, at("buckets", i), &file.buckets[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *planter) settle() {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.server.settle()
}

func at(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// uproot takes back what has been made, the last first.
func (p *planter) uproot() {
	for _, undo := range slices.Backward(p.undo) {
		undo()
	}
}

// parameters are those of a Query call.
type parameters url.Values

func (v parameters) set(name string, value *string) parameters {
	if value != nil {
		url.Values(v).Set(name, *value)
	}
	return v
}

func (v parameters) document(name string, document json.RawMessage) parameters {
	if document != nil {
		url.Values(v).Set(name, string(document))
	}
	return v
}

func (v parameters) list(name string, members []string) parameters {
	for i, member := range members {
		url.Values(v).Set(fmt.Sprintf("%s.member.%d", name, i+1), member)
	}
	return v
}

func (v parameters) tags(tags map[string]string) parameters {
	for i, t := range sortedTags(tags) {
		url.Values(v).Set(fmt.Sprintf("Tags.member.%d.Key", i+1), t.Key)
		url.Values(v).Set(fmt.Sprintf("Tags.member.%d.Value", i+1), t.Value)
	}
	return v
}

// seedError words a refusal.
func seedError(path string, failure *apiError) error {
	return fmt.Errorf("%s: %s: %s", path, failure.code, failure.message)
}

// iam calls an operation of IAM as the administrator.
func (p *planter) iam(ctx context.Context, path, operation string, values parameters) error {
	if failure := p.callIAM(ctx, operation, values); failure != nil {
		return seedError(path, failure)
	}
	return ctx.Err()
}

// create calls an operation of IAM that makes something. It tells whether it did:
// what exists already is left.
func (p *planter) create(ctx context.Context, path, operation string, values parameters) (created bool, err error) {
	failure := p.callIAM(ctx, operation, values)
	switch {
	case failure == nil:
		return true, ctx.Err()
	case failure.code == "EntityAlreadyExists":
		return false, ctx.Err()
	default:
		return false, seedError(path, failure)
	}
}

func (p *planter) callIAM(ctx context.Context, operation string, values parameters) *apiError {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/", http.NoBody)
	if err != nil {
		return internalFailure("The call could not be made.")
	}
	q := &query{params: params{values: url.Values(values), quiet: iamAPI.quiet}, operation: operation, request: r, caller: p.server.administrator()}
	_, failure := p.server.run(q, &iamAPI, iamAPI.operations[operation])
	return failure
}

func (p *planter) provider(ctx context.Context, path string, provider *seedProvider) error {
	values := parameters{}.set("Url", &provider.URL).list("ClientIDList", provider.Audiences).
		list("ThumbprintList", provider.Thumbprints).tags(provider.Tags)
	created, err := p.create(ctx, path, "CreateOpenIDConnectProvider", values)
	if created {
		_, host, _ := strings.Cut(provider.URL, "://")
		arn := p.server.arn("iam", "oidc-provider/"+host)
		p.undo = append(p.undo, func() {
			_ = p.callIAM(context.WithoutCancel(ctx), "DeleteOpenIDConnectProvider", parameters{}.set("OpenIDConnectProviderArn", &arn))
		})
	}
	return err
}

func (p *planter) policy(ctx context.Context, path string, policy *seedPolicy) error {
	values := parameters{}.set("PolicyName", &policy.Name).set("Path", policy.Path).set("Description", policy.Description).
		document("PolicyDocument", policy.Document).tags(policy.Tags)
	created, err := p.create(ctx, path, "CreatePolicy", values)
	if created {
		arn := p.server.arn("iam", "policy"+optional(policy.Path, "/")+policy.Name)
		p.undo = append(p.undo, func() {
			_ = p.callIAM(context.WithoutCancel(ctx), "DeletePolicy", parameters{}.set("PolicyArn", &arn))
		})
	}
	return err
}

func optional(value *string, def string) string {
	if value == nil {
		return def
	}
	return *value
}

// roles makes all roles before it gives them their policies: a trust policy may
// name any role of the file, its own included. Until it has its own, a role
// trusts nobody.
func (p *planter) roles(ctx context.Context, roles []seedRole) error {
	created := make([]bool, len(roles))
	for i := range roles {
		r := &roles[i]
		values := parameters{}.set("RoleName", &r.Name).set("Path", r.Path).set("Description", r.Description).tags(r.Tags)
		values.document("AssumeRolePolicyDocument", json.RawMessage(nobody))
		if r.MaxSessionSeconds != nil {
			seconds := strconv.Itoa(*r.MaxSessionSeconds)
			values.set("MaxSessionDuration", &seconds)
		}
		var err error
		if created[i], err = p.create(ctx, at("roles", i), "CreateRole", values); created[i] {
			p.undo = append(p.undo, func() { p.removeRole(r.Name) })
		}
		if err != nil {
			return err
		}
	}
	for i := range roles {
		if !created[i] {
			continue
		}
		if err := p.rolePolicies(ctx, at("roles", i), &roles[i]); err != nil {
			return err
		}
	}
	return nil
}

// removeRole removes a role with all that it has.
func (p *planter) removeRole(name string) {
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	p.server.change(func(d *directory) { delete(d.roles, name) })
}

func (p *planter) rolePolicies(ctx context.Context, path string, r *seedRole) error {
	call := func(field, operation string, values parameters) error {
		return p.iam(ctx, path+"."+field, operation, values.set("RoleName", &r.Name))
	}
	if err := call("trustPolicy", "UpdateAssumeRolePolicy", parameters{}.document("PolicyDocument", r.TrustPolicy)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.InlinePolicies)) {
		values := parameters{}.set("PolicyName", &name).document("PolicyDocument", r.InlinePolicies[name])
		if err := call("inlinePolicies."+name, "PutRolePolicy", values); err != nil {
			return err
		}
	}
	for i, arn := range r.AttachedPolicies {
		if err := call(at("attachedPolicies", i), "AttachRolePolicy", parameters{}.set("PolicyArn", &arn)); err != nil {
			return err
		}
	}
	if r.PermissionsBoundary == nil {
		return nil
	}
	return call("permissionsBoundary", "PutRolePermissionsBoundary", parameters{}.set("PermissionsBoundary", r.PermissionsBoundary))
}
