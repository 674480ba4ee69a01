/** One block with an element of every type. Source: survey-model §16. */
export const ALL_ELEMENTS = [
  {
    id: "bk1",
    name: "All types",
    elements: [
      {
        id: "q_text",
        type: "openText",
        headline: {
          default: "Say hello",
        },
        required: false,
      },
      {
        id: "q_num",
        type: "openText",
        inputType: "number",
        headline: {
          default: "Team size",
        },
        required: false,
      },
      {
        id: "q_single",
        type: "multipleChoiceSingle",
        headline: {
          default: "Drink",
        },
        required: true,
        choices: [
          {
            id: "tea",
            label: {
              default: "Tea",
            },
          },
          {
            id: "cof",
            label: {
              default: "Coffee",
            },
          },
          {
            id: "other",
            label: {
              default: "Else",
            },
          },
        ],
      },
      {
        id: "q_multi",
        type: "multipleChoiceMulti",
        headline: {
          default: "Snacks",
        },
        required: false,
        choices: [
          {
            id: "nut",
            label: {
              default: "Nuts",
            },
          },
          {
            id: "fig",
            label: {
              default: "Figs",
            },
          },
        ],
      },
      {
        id: "q_nps",
        type: "nps",
        headline: {
          default: "Recommend?",
        },
        required: true,
      },
      {
        id: "q_rate",
        type: "rating",
        headline: {
          default: "Rate",
        },
        required: true,
        scale: "number",
        range: 7,
      },
      {
        id: "q_csat",
        type: "csat",
        headline: {
          default: "Satisfied?",
        },
        required: false,
        scale: "smiley",
        range: 5,
      },
      {
        id: "q_ces",
        type: "ces",
        headline: {
          default: "Easy?",
        },
        required: false,
        scale: "number",
        range: 7,
      },
      {
        id: "q_cta",
        type: "cta",
        headline: {
          default: "Read on",
        },
        required: false,
        buttonExternal: true,
        buttonUrl: "https://acme.test/news",
        ctaButtonLabel: {
          default: "Open",
        },
      },
      {
        id: "q_ok",
        type: "consent",
        headline: {
          default: "Terms",
        },
        required: true,
        label: {
          default: "I agree",
        },
      },
      {
        id: "q_pic",
        type: "pictureSelection",
        headline: {
          default: "Pick",
        },
        required: false,
        choices: [
          {
            id: "p1",
            imageUrl: "https://cdn.acme.test/a.png",
          },
          {
            id: "p2",
            imageUrl: "/storage/ws/public/b.webp",
          },
        ],
      },
      {
        id: "q_date",
        type: "date",
        headline: {
          default: "When",
        },
        required: false,
        format: "d-M-y",
      },
      {
        id: "q_file",
        type: "fileUpload",
        headline: {
          default: "Proof",
        },
        required: false,
        allowMultipleFiles: false,
      },
      {
        id: "q_cal",
        type: "cal",
        headline: {
          default: "Meet",
        },
        required: false,
        calUserName: "acme/intro",
      },
      {
        id: "q_grid",
        type: "matrix",
        headline: {
          default: "Grid",
        },
        required: false,
        rows: [
          {
            id: "r1",
            label: {
              default: "Speed",
            },
          },
          {
            id: "r2",
            label: {
              default: "Price",
            },
          },
        ],
        columns: [
          {
            id: "c1",
            label: {
              default: "Good",
            },
          },
          {
            id: "c2",
            label: {
              default: "Bad",
            },
          },
        ],
      },
      {
        id: "q_addr",
        type: "address",
        headline: {
          default: "Where",
        },
        required: false,
        addressLine1: {
          show: true,
          required: true,
          placeholder: {
            default: "Street",
          },
        },
        addressLine2: {
          show: false,
          required: false,
          placeholder: {
            default: "",
          },
        },
        city: {
          show: true,
          required: true,
          placeholder: {
            default: "City",
          },
        },
        state: {
          show: false,
          required: false,
          placeholder: {
            default: "",
          },
        },
        zip: {
          show: true,
          required: true,
          placeholder: {
            default: "Zip",
          },
        },
        country: {
          show: true,
          required: true,
          placeholder: {
            default: "Country",
          },
        },
      },
      {
        id: "q_who",
        type: "contactInfo",
        headline: {
          default: "Who",
        },
        required: false,
        firstName: {
          show: true,
          required: true,
          placeholder: {
            default: "First",
          },
        },
        lastName: {
          show: true,
          required: true,
          placeholder: {
            default: "Last",
          },
        },
        email: {
          show: true,
          required: true,
          placeholder: {
            default: "Mail",
          },
        },
        phone: {
          show: false,
          required: false,
          placeholder: {
            default: "",
          },
        },
        company: {
          show: false,
          required: false,
          placeholder: {
            default: "",
          },
        },
      },
      {
        id: "q_rank",
        type: "ranking",
        headline: {
          default: "Order",
        },
        required: false,
        choices: [
          {
            id: "x",
            label: {
              default: "X",
            },
          },
          {
            id: "y",
            label: {
              default: "Y",
            },
          },
        ],
      },
    ],
  },
];
