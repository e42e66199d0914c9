package localaws

import (
	"math"
	"net/http"

	"golang.org/x/time/rate"
)

// maxRate bounds Options.IAMRate and STSRate.
const maxRate = 1e6

// newBudgets makes the budgets of calls that the whole account shares, one for
// each service that has one.
func newBudgets(o *Options) map[string]*rate.Limiter {
	budgets := map[string]*rate.Limiter{}
	for service, calls := range map[string]float64{"iam": o.IAMRate, "sts": o.STSRate} {
		if calls > 0 {
			budgets[service] = rate.NewLimiter(rate.Limit(calls), int(math.Ceil(calls)))
		}
	}
	return budgets
}

// spend takes one call out of the service's budget, or refuses it. AWS does so
// before it looks at the call.
func (s *Server) spend(service string) *apiError {
	budget := s.budgets[service]
	if budget == nil || budget.AllowN(s.options.Now(), 1) {
		return nil
	}
	return newError(http.StatusBadRequest, "Throttling", "Rate exceeded")
}
