// Package evidence finds, in the words and fields of one contact, what speaks
// for the qualification criteria: need, budget with its amount, timeline with
// its days, authority, and how far the deal has come. It reads; it never
// judges what a finding is worth.
//
// All it knows of a language stands in lexicon/LANGUAGE.txt: phrases in a small
// pattern syntax (see lexicon/README.md). The code knows no words, only how
// sentences, negation, conditions, amounts and dates work. It has no clock and
// no network: the same contact gives the same findings everywhere.
package evidence
