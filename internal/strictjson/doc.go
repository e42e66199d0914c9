// Package strictjson decodes JSON that someone else wrote without giving it the
// benefit of the doubt: one value, valid UTF-8, names that match by case, no
// unknown and no repeated member. It must not be used for documents whose
// format allows extensions, such as OpenID discovery.
package strictjson
