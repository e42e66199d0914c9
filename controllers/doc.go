// Package controllers is the one list of the operator's controllers and of what
// they depend on. The controllers themselves are in the packages below.
package controllers
