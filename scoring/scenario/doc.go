// Package scenario reads and runs scenario scripts: stories of contacts with
// times, and what the criteria should make of them, written to be read and
// written by marketing.
//
// A script is lines. What stands at the left edge begins something, what is
// indented belongs to it, and # begins a comment:
//
//	Scenario: two people of a company add up
//
//	2026-03-02 09:00, mail
//	  from: Ada Lovelace <ada@acme.example>
//	  subject: Shift planning
//	  | We are looking for a tool that plans our shifts.
//
//	expect
//	  stage: contact
//	  met: need
//	  not met: budget
//
//	7 days later, mail
//	  from: Grace Hopper <grace@acme.example>
//	  | Finance here: we have 20,000 EUR for it.
//
//	expect
//	  stage: lead
//	  score: at least 50
//	  reason: budget +25 "20,000 EUR" by Grace Hopper
//
// The README's section on criteria is the reference for writers. Mails and
// forms go through the very parts that the daemon has; the package is given
// them as functions, since stages do not know each other.
package scenario
