package main

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"github.com/litentry/wallet-federation/internal/siwe"
	"github.com/litentry/wallet-federation/internal/wallet"
)

// question is a message, and optionally its signature and what is expected of it.
type question struct {
	Message   string    `json:"message"`
	Signature string    `json:"signature"`
	Domain    string    `json:"domain"` // as the message says if it is empty
	Nonce     string    `json:"nonce"`  // the same
	Time      time.Time `json:"time"`   // that of its issue if it is zero
}

// answer is what package siwe, and package wallet for the signature, make of it.
type answer struct {
	Refused string        `json:"refused,omitempty"` // why it is no message
	Fields  *siwe.Message `json:"fields,omitempty"`
	Again   string        `json:"again,omitempty"`  // the message as we would write it
	Failed  string        `json:"failed,omitempty"` // why it does not prove its wallet
}

// parse answers each line.
func parse(r io.Reader, w io.Writer) error {
	questions, out := json.NewDecoder(bufio.NewReader(r)), bufio.NewWriter(w)
	answers := json.NewEncoder(out)
	for {
		var q question
		if err := questions.Decode(&q); err == io.EOF {
			return out.Flush()
		} else if err != nil {
			return err
		}
		if err := answers.Encode(q.answer()); err != nil {
			return err
		}
	}
}

func (q question) answer() answer {
	message, err := siwe.Parse(q.Message)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	a := answer{Fields: message, Again: message.String()}
	if q.Signature != "" {
		if err := q.prove(message); err != nil {
			a.Failed = err.Error()
		}
	}
	return a
}

func (q question) prove(message *siwe.Message) error {
	want := siwe.Expectation{
		Domain: message.Domain, URI: message.URI, Nonce: message.Nonce,
		ChainIDs: []uint64{message.ChainID}, Now: message.IssuedAt,
	}
	if q.Domain != "" {
		want.Domain = q.Domain
	}
	if q.Nonce != "" {
		want.Nonce = q.Nonce
	}
	if !q.Time.IsZero() {
		want.Now = q.Time
	}
	signer, err := wallet.RecoverPersonal(q.Message, q.Signature)
	if err != nil {
		return err
	}
	want.Address = signer
	return message.Verify(want)
}
