"""What Stripe's objects say, in our words. Pure; imports nothing of ours."""
